// Fleets, models and a day of comings and goings for benches of placement. The same seed makes the same.
import type { DeploymentView, DeviceView, Option } from '../../../controller/placement/scheduling/types.ts';
import type { Estimate } from '../../../energy/prediction/prediction.ts';
import { gaussian, randomFrom } from '../random.ts';

export type BoardClass = 'raspberry-pi-5' | 'jetson-nano';

/** What one inference of a model takes on a class: predicted, and what it will have taken. */
export interface ModelCost {
  marginalJoules: Estimate;
  seconds: number;
}

export type CostTable = Readonly<Record<string, Readonly<Record<BoardClass, ModelCost>>>>;

export interface Board extends DeviceView {
  className: BoardClass;
  memoryBytes: number;
}

/** Watts idle and at work: what a power model over utilisation needs to know of a board. */
export const boardWatts: Record<BoardClass, { idle: number; busy: number }> = {
  'raspberry-pi-5': { idle: 2.95, busy: 7.2 },
  'jetson-nano': { idle: 2.6, busy: 8.2 },
};

const mebibyte = 2 ** 20;

/** Half of each class; every third board, or every one, has a cap of some watts above idle. */
export function makeBoards(count: number, { headroomWatts = 2.5, cappedEvery = 3 } = {}): Board[] {
  return Array.from({ length: count }, (_, index): Board => {
    const className: BoardClass = index % 2 === 0 ? 'raspberry-pi-5' : 'jetson-nano';
    const { idle } = boardWatts[className];
    return {
      name: `board-${String(index).padStart(4, '0')}`,
      kind: className,
      className,
      labels: {},
      taints: [],
      unschedulable: false,
      ready: true,
      memoryBytes: (className === 'raspberry-pi-5' ? 6 : 3) * 1024 * mebibyte,
      idleWatts: idle,
      ...(index % cappedEvery === 0 ? { powerCapWatts: idle + headroomWatts } : {}),
    };
  });
}

export interface Workload {
  view: DeploymentView;
  model: string;
  requestsPerSecond: number;
  memoryBytes: number;
  /** Of the trace. */
  startHour: number;
  endHour: number;
}

export interface TraceOptions {
  hours: number;
  arrivalsPerHour: number;
  meanHours: number;
  /** Share of the slower class's time that a workload keeps busy, from and to. */
  busy: [number, number];
}

export function makeTrace(seed: number, costs: CostTable, options: TraceOptions): Workload[] {
  const random = randomFrom(seed);
  const models = Object.keys(costs);
  const exponential = (mean: number) => -mean * Math.log(1 - random());
  const trace: Workload[] = [];
  for (
    let hour = exponential(1 / options.arrivalsPerHour);
    hour < options.hours;
    hour += exponential(1 / options.arrivalsPerHour)
  ) {
    const model = models[Math.floor(random() * models.length)] ?? '';
    const [from, to] = options.busy;
    const busy = from + (to - from) * random();
    const slowest = Math.max(...Object.values(costs[model] ?? {}).map(({ seconds }) => seconds));
    const uid = `w${String(trace.length).padStart(4, '0')}`;
    trace.push({
      view: makeView(uid, random() < 0.3 ? 2 : 1, new Date(Math.round(hour * 3_600_000)).toISOString()),
      model,
      requestsPerSecond: busy / slowest,
      memoryBytes: Math.round((128 + 384 * random()) * mebibyte),
      startHour: hour,
      endHour: Math.min(options.hours, hour + exponential(options.meanHours)),
    });
  }
  return trace;
}

function makeView(uid: string, replicas: number, createdTime: string): DeploymentView {
  return {
    uid,
    key: `bench/${uid}`,
    priority: 0,
    createdTime,
    mode: 'Replicas',
    replicas,
    classNames: [],
    tolerations: [],
    strategy: 'LeastEnergy',
    failoverSeconds: 600,
    frozen: false,
  };
}

/** What the controller would say of a workload on a board. */
export function optionOf(costs: CostTable, { model, requestsPerSecond, memoryBytes }: Workload, className: BoardClass): Option {
  const cost = costs[model]?.[className];
  if (!cost) return { kind: 'refused', verdict: 'Unknown', message: 'no prediction' };
  const { estimate, lower, upper } = cost.marginalJoules;
  const watts = (joules: number) => joules * requestsPerSecond;
  return {
    kind: 'allowed',
    variant: 'fp32',
    verdict: 'WithinBudget',
    joules: cost.marginalJoules,
    marginalWatts: { estimate: watts(estimate), lower: watts(lower), upper: watts(upper) },
    memoryBytes,
    storageBytes: 0,
  };
}

/** Share of a board's time. */
export function busyShare(costs: CostTable, { model, requestsPerSecond }: Workload, className: BoardClass): number {
  return (costs[model]?.[className].seconds ?? 0) * requestsPerSecond;
}

/** What models really take: the prediction times an error as wide as its own interval says, unknown to whoever places. */
export function trueCosts(seed: number, costs: CostTable): CostTable {
  const random = randomFrom(seed);
  const really = (cost: ModelCost): ModelCost => {
    const { estimate, lower, upper } = cost.marginalJoules;
    const factor = Math.exp((Math.log(upper / lower) / (2 * 1.645)) * gaussian(random));
    const joules = estimate * factor;
    return { ...cost, marginalJoules: { estimate: joules, lower: joules, upper: joules } };
  };
  return Object.fromEntries(
    Object.entries(costs).map(([model, byClass]) => [
      model,
      { 'raspberry-pi-5': really(byClass['raspberry-pi-5']), 'jetson-nano': really(byClass['jetson-nano']) },
    ]),
  );
}
