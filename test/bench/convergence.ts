// Many ModelDeployments declared at once, until all are Ready, on the embedded API server and on a real one.
import { type ServerKind, startBenchServer } from './fleet/api-servers.ts';
import { type Declared, declareDeployments } from './fleet/declare.ts';
import { Fleet } from './fleet/fleet.ts';
import type { Bench, BenchOptions, BenchResult } from './harness/bench.ts';
import { countOption } from './harness/bench.ts';
import { digits, judged, logLogSlope, mebibytes, seconds } from './harness/format.ts';

const goal = { seconds: 60, residentBytes: 200 * 2 ** 20, cpuSecondsEach: 0.05 };

/** Measured on two cores against the same kube-apiserver, with the same client machine. */
const flux = [
  'kube-apiserver',
  '1,000 Kustomizations of two objects, Flux 2.9',
  '134–152 s',
  '–',
  '224–236 MiB',
  '156–167 MiB',
  '0.15–0.17 s',
  '18',
];

async function measure(options: BenchOptions, kind: ServerKind, count: number): Promise<Declared | undefined> {
  const server = await startBenchServer(kind, options.note);
  if (!server) return undefined;
  try {
    const agents = Math.max(10, Math.ceil(count / deploymentsPerAgent));
    await using fleet = await Fleet.start({ server, agents, note: options.note, signal: options.signal });
    const declared = await declareDeployments(fleet, count, options.signal);
    options.note(`  ${kind}, ${count}: ${declared.seconds.toFixed(1)} s; calls ${JSON.stringify(declared.calls.byKind)}`);
    return declared;
  } finally {
    await server.stop();
  }
}

const deploymentsPerAgent = 10;

function row(kind: ServerKind, count: number, declared: Declared): string[] {
  const large = count >= 1000;
  const each = declared.cpuSeconds / count;
  return [
    kind,
    `${count.toLocaleString('en')} ModelDeployments`,
    large ? judged(seconds(declared.seconds), declared.seconds <= goal.seconds) : seconds(declared.seconds),
    mebibytes(declared.before.residentBytes),
    large
      ? judged(mebibytes(declared.peak.residentBytes), declared.peak.residentBytes <= goal.residentBytes)
      : mebibytes(declared.peak.residentBytes),
    mebibytes(declared.peak.anonymousBytes),
    judged(seconds(each), each <= goal.cpuSecondsEach),
    digits((declared.calls.reads + declared.calls.writes) / count),
  ];
}

/** How cost grows with the number of deployments: 1 is linear. */
function growthOf(kind: ServerKind, measured: readonly { count: number; declared: Declared }[]): string[] {
  if (measured.length < 2) return [];
  const slope = (cost: (declared: Declared) => number) =>
    digits(logLogSlope(measured.map(({ count, declared }) => [count, cost(declared)])));
  return [
    `Log–log slope with n on the ${kind}: seconds ${slope(({ seconds }) => seconds)}, controller CPU ${slope(({ cpuSeconds }) => cpuSeconds)}, API calls ${slope(({ calls }) => calls.reads + calls.writes)}, resident memory ${slope(({ peak }) => peak.residentBytes)}.`,
  ];
}

export const bench: Bench = {
  title: 'Convergence: declared → all Ready',
  async run(options): Promise<BenchResult> {
    const counts = options.values['deployments'] === undefined ? [100, 500, 1000] : [countOption(options, 'deployments', 1000)];
    const kinds: ServerKind[] =
      options.values['server'] === undefined ? ['embedded', 'kube-apiserver'] : [options.values['server'] as ServerKind];
    const rows: string[][] = [];
    const remarks: string[] = [];
    const costs = new Map<ServerKind, { count: number; declared: Declared }[]>();
    for (const kind of kinds) {
      for (const count of counts) {
        const declared = await measure(options, kind, count);
        if (!declared) {
          remarks.push('No kube-apiserver was at hand for this run.');
          break;
        }
        rows.push(row(kind, count, declared));
        costs.set(kind, [...(costs.get(kind) ?? []), { count, declared }]);
      }
    }
    return {
      tables: [
        {
          caption:
            'One replica each, predicted within its budget on a simulated Raspberry Pi 5; ten deployments per stub agent. API server, controller, stub agents and the declaring client are processes of their own and share the two cores.',
          columns: [
            'API server',
            'what',
            `seconds to all Ready (goal ≤ ${goal.seconds} for 1,000)`,
            'controller, resident before the first',
            'controller, peak resident (goal ≤ 200 MiB)',
            'of it anonymous',
            `controller CPU each (goal ≤ ${goal.cpuSecondsEach} s)`,
            'API calls each',
          ],
          rows: [...rows, flux],
        },
      ],
      remarks: [
        'Calls are those of the controller: reads, writes and events, without the agents’ own.',
        'The work differs: Flux fetches a source, builds a kustomization, applies two objects of other kinds and watches their health, in Go. Here a deployment becomes a ControllerRevision, a placement decision over the whole fleet, a ModelInstance with its slot, a line in its device’s assigned list and a status, and waits for the (stub) agent’s answer, in Node.',
        ...[...costs].flatMap(([kind, measured]) => growthOf(kind, measured)),
        ...remarks,
      ],
    };
  },
};
