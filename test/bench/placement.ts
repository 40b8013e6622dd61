// What placement by energy saves, how far it is from the best there is, and how long it takes to decide.
import { schedule } from '../../controller/placement/scheduling/schedule.ts';
import { meanLogInterval } from '../../energy/measurement/intervals.ts';
import {
  type Board,
  type CostTable,
  makeBoards,
  makeTrace,
  optionOf,
  trueCosts,
  type Workload,
} from '../support/placement/fleet.ts';
import { optimumOf } from '../support/placement/optimum.ts';
import { atRandom, kubeDefault, leastEnergy, type Policy, peaks } from '../support/placement/policies.ts';
import { predictedCosts } from '../support/placement/predicted-costs.ts';
import { placeAll, replay } from '../support/placement/replay.ts';
import { randomFrom } from '../support/random.ts';
import { type Bench, type BenchOptions, type BenchResult, type BenchTable, countOption } from './harness/bench.ts';
import { digits, judged, milliseconds, quantile } from './harness/format.ts';

const day = { hours: 24, arrivalsPerHour: 2, meanHours: 6, busy: [0.03, 0.2] as [number, number] };
const ours = 'LeastEnergy';
const policies: [string, (seed: number) => Policy][] = [
  [ours, () => leastEnergy],
  ['PEAKS', () => peaks],
  ['kube-scheduler, default', () => kubeDefault],
  ['random', (seed) => atRandom(randomFrom(seed))],
];

async function run(options: BenchOptions): Promise<BenchResult> {
  const costs = await predictedCosts(options.note, options.signal);
  return {
    tables: [savings(options, costs), optimality(options, costs), decisionTimes(options, costs)],
    remarks: [
      `${Object.keys(costs).length} networks of many kinds, as the shipped predictors see them on a Raspberry Pi 5 and a Jetson Nano (whole board, PyTorch). All policies choose among the same feasible boards: memory, and caps of a third of the boards.`,
      'Joules are those above idle: boards stay on, whoever places. Each policy knows predictions; billed is what the boards take, a draw from the interval of each prediction.',
      'kube-scheduler: LeastAllocated and BalancedAllocation of cpu and memory, weight 1 each; a pod has one cpu request for all nodes, here the share of time on the slower class. PEAKS: the least jump of K0 + K1·exp(K2·utilisation), with the idle and busy watts of each class and the K2 of its sample configuration: it knows boards, and nothing of how a model differs between them.',
      'The busiest board: LeastEnergy does not pack processor time, it spreads equal boards by the number of models; requirements.p95LatencyMilliseconds and caps bound what one board is given.',
      'The optimum looks at every placement of all workloads together: as many replicas as fit, then the fewest watts. The product places higher priority and older ones first, of those that come together the one first that has most to lose, and moves nobody who serves.',
    ],
  };
}

function savings(options: BenchOptions, costs: CostTable): BenchTable {
  const traces = countOption(options, 'traces', 100);
  const boards = makeBoards(24);
  const days = new Map(policies.map(([name]) => [name, [] as ReturnType<typeof replay>[]]));
  for (let seed = 1; seed <= traces; seed++) {
    options.signal.throwIfAborted();
    const trace = makeTrace(seed, costs, day);
    const world = { boards, predicted: costs, actual: trueCosts(seed + 100_000, costs) };
    for (const [name, make] of policies) days.get(name)?.push(replay(trace, make(seed), world));
  }
  const own = days.get(ours) ?? [];
  const rows = policies.map(([name]) => {
    const those = days.get(name) ?? [];
    const mean = (of: (one: (typeof those)[number]) => number) => those.reduce((sum, one) => sum + of(one), 0) / those.length;
    return [
      name,
      digits(mean(({ joules }) => joules) / 1000),
      name === ours ? '–' : saved(own.map(({ joules }, at) => joules / (those[at]?.joules ?? Number.NaN))),
      String(those.reduce((sum, { unplaced }) => sum + unplaced, 0)),
      `${digits(
        100 *
          quantile(
            those.map(({ busiest }) => busiest),
            0.5,
          ),
        2,
      )} %`,
    ];
  });
  return {
    caption: `${traces} fixed days on 24 boards, half of each class: workloads come ${day.arrivalsPerHour} an hour, stay ${day.meanHours} hours, one or two replicas each.`,
    columns: [
      'policy',
      'kJ a day above idle',
      'LeastEnergy saves (90 % interval)',
      'replicas without a board',
      'busiest board, median day',
    ],
    rows,
  };
}

/** From ratios of ours to theirs, day by day. */
function saved(ratios: readonly number[]): string {
  const { estimate, lower, upper } = meanLogInterval(ratios, { confidencePercent: 90, gainRelativeSd: 0, baselineRelativeSd: 0 });
  const percent = (ratio: number) => digits(100 * (1 - ratio));
  return `${percent(estimate)} % (${percent(upper)} to ${percent(lower)})`;
}

function optimality(options: BenchOptions, costs: CostTable): BenchTable {
  const cases = countOption(options, 'cases', 300);
  const rows = [6, 4, 2.5, 1.5].map((headroomWatts) => {
    const gaps: number[] = [];
    let fewer = 0;
    const others = new Map<string, number[]>(policies.slice(1).map(([name]) => [name, []]));
    for (let seed = 1; seed <= cases; seed++) {
      options.signal.throwIfAborted();
      const boards = makeBoards(4, { headroomWatts, cappedEvery: 1 });
      const workloads = smallCase(seed, costs);
      const best = optimumOf(workloads, boards, costs);
      const own = placeTogether(workloads, boards, costs);
      if (own.unplaced > best.unplaced) fewer++;
      else gaps.push(own.watts / best.watts - 1);
      for (const [name, make] of policies.slice(1)) {
        const their = placeAll(workloads, make(seed), boards, costs);
        if (their.unplaced === best.unplaced) others.get(name)?.push(their.watts / best.watts - 1);
      }
    }
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const sd = Math.sqrt(mean(gaps.map((gap) => (gap - mean(gaps)) ** 2)));
    const half = (1.645 * sd) / Math.sqrt(gaps.length);
    const shown = `${digits(100 * mean(gaps), 2)} % ± ${digits(100 * half, 2)}`;
    return [
      `${headroomWatts} W`,
      judged(shown, mean(gaps) <= 0.03),
      `${digits(100 * quantile(gaps, 0.95), 2)} %`,
      `${fewer} of ${cases}`,
      ...policies.slice(1).map(([name]) => `${digits(100 * mean(others.get(name) ?? []), 2)} %`),
    ];
  });
  return {
    caption: `${cases} small cases each: 6 workloads at once on 4 boards, each capped at idle plus the headroom.`,
    columns: [
      'headroom of the caps',
      'LeastEnergy above the optimum (goal ≤ 3 %)',
      'in 95 % of cases at most',
      'placed fewer replicas',
      ...policies.slice(1).map(([name]) => `${name} above it`),
    ],
    rows,
  };
}

function smallCase(seed: number, costs: CostTable): Workload[] {
  return makeTrace(seed, costs, { hours: 20, arrivalsPerHour: 1, meanHours: 1, busy: [0.1, 0.4] })
    .slice(0, 6)
    .map((workload) => ({ ...workload, view: { ...workload.view, createdTime: '2026-01-01T00:00:00Z' } }));
}

/** One decision of the product over all of them. */
function placeTogether(workloads: readonly Workload[], boards: readonly Board[], costs: CostTable) {
  const decisions = decide(workloads, boards, costs);
  const byName = new Map(boards.map((board) => [board.name, board]));
  let [watts, unplaced] = [0, 0];
  for (const workload of workloads) {
    const chosen = decisions.find(({ deploymentUid }) => deploymentUid === workload.view.uid)?.chosen ?? [];
    unplaced += workload.view.replicas - chosen.length;
    for (const name of chosen) {
      const option = optionOf(costs, workload, byName.get(name)?.className ?? 'jetson-nano');
      watts += option.kind === 'allowed' ? (option.marginalWatts?.estimate ?? 0) : 0;
    }
  }
  return { watts, unplaced };
}

function decide(workloads: readonly Workload[], boards: readonly Board[], costs: CostTable) {
  const byName = new Map(boards.map((board) => [board.name, board]));
  const byUid = new Map(workloads.map((workload) => [workload.view.uid, workload]));
  const options = new Map<string, ReturnType<typeof optionOf>>();
  return schedule({
    devices: boards,
    deployments: workloads.map(({ view }) => view),
    existing: new Map(),
    option: ({ uid }, { name }) => {
      const [workload, board] = [byUid.get(uid), byName.get(name)];
      if (!workload || !board) return { kind: 'refused', verdict: 'Unknown', message: 'it is gone' };
      const key = `${uid}/${board.className}`;
      const known = options.get(key) ?? optionOf(costs, workload, board.className);
      options.set(key, known);
      return known;
    },
  });
}

function decisionTimes(options: BenchOptions, costs: CostTable): BenchTable {
  const sizes: [number, number][] = [
    [100, 20],
    [1000, 200],
    [1000, 1000],
    [5000, 1000],
  ];
  const rows = sizes.map(([deployments, devices]) => {
    options.signal.throwIfAborted();
    const boards = makeBoards(devices, { headroomWatts: 1000 });
    const workloads = makeTrace(1, costs, { ...day, hours: 1000, busy: [0.001, 0.01] });
    const wanted = Array.from({ length: deployments }, (_, at): Workload => {
      const base = workloads[at % workloads.length] as Workload;
      const uid = `w${String(at).padStart(5, '0')}`;
      return { ...base, memoryBytes: 1024, view: { ...base.view, uid, key: `bench/${uid}`, replicas: 1 } };
    });
    const samples = Array.from({ length: 3 }, () => {
      const started = performance.now();
      decide(wanted, boards, costs);
      return performance.now() - started;
    });
    const median = quantile(samples, 0.5);
    return [
      deployments.toLocaleString('en'),
      devices.toLocaleString('en'),
      milliseconds(median),
      `${digits((1000 * median) / deployments)} µs`,
    ];
  });
  return {
    caption:
      'One decision over the whole fleet, everything new: the worst case. Median of three. No two workloads alike, so that hardly two boards stay alike.',
    columns: ['deployments', 'devices', 'decision', 'for each deployment'],
    rows,
  };
}

export const bench: Bench = { title: 'Placement', run };
