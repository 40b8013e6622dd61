// The controller stopped and started again over a fleet that is as it should be.
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually.ts';
import { type ServerKind, startBenchServer } from './fleet/api-servers.ts';
import { declareDeployments } from './fleet/declare.ts';
import { Fleet } from './fleet/fleet.ts';
import { versionNames } from './fleet/objects.ts';
import { type Bench, type BenchOptions, type BenchResult, countOption } from './harness/bench.ts';
import { digits, judged, logLogSlope, mebibytes, seconds } from './harness/format.ts';
import { cpuSecondsOf, peakResidentBytes } from './harness/process-usage.ts';
import type { ControllerCalls } from './processes/controller.ts';

/** Objects of the fleet at most, and the seconds to ready that are the goal for it. */
const goals = [
  { objects: 1000, seconds: 5 },
  { objects: Number.POSITIVE_INFINITY, seconds: 20 },
];
/** Without a write for so long, a controller has nothing left to write: it holds none back for longer. */
const quietSeconds = 8;
const longestUnrestSeconds = 300;
/** Long enough for every queue to run dry. */
const watchSeconds = 10;
const deploymentsPerAgent = 10;

/** A deployment, its revision and its instance; devices, leases and versions come to it. */
const objectsPerDeployment = 3;

interface Restart {
  count: number;
  objects: number;
  ready: number;
  cpuSeconds: number;
  row: string[];
}

/** What follows the last Ready: events, which a controller sends one after the other, and status writes that were held back. */
async function untilQuiet(fleet: Fleet, { note, signal }: BenchOptions): Promise<void> {
  const started = performance.now();
  await fleet.controller.call('calls');
  await eventually(async () => {
    signal.throwIfAborted();
    await delay(quietSeconds * 1000);
    const { writes, byKind } = await fleet.controller.call<ControllerCalls>('calls');
    if (writes > 0) throw new Error(`within ${quietSeconds} s before the restart: ${JSON.stringify(byKind)}`);
  }, longestUnrestSeconds);
  note(`  quiet ${((performance.now() - started) / 1000).toFixed(0)} s after the last was Ready`);
}

async function measure(options: BenchOptions, kind: ServerKind, count: number): Promise<Restart | undefined> {
  const server = await startBenchServer(kind, options.note);
  if (!server) return undefined;
  try {
    const agents = Math.max(10, Math.ceil(count / deploymentsPerAgent));
    await using fleet = await Fleet.start({ server, agents, note: options.note, signal: options.signal });
    await declareDeployments(fleet, count, options.signal);
    await untilQuiet(fleet, options);
    const started = performance.now();
    const { webUrl, pid } = await fleet.restartController();
    await eventually(
      async () => {
        const { status } = await fetch(`${webUrl}/readyz`);
        if (status !== 200) throw new Error(`readyz ${status}`);
      },
      60,
      20,
    );
    const ready = (performance.now() - started) / 1000;
    await delay(watchSeconds * 1000);
    const { reads, writes, byKind } = await fleet.controller.call<ControllerCalls>('calls');
    options.note(`  ${kind}, ${count}: ready after ${ready.toFixed(2)} s; ${JSON.stringify(byKind)}`);
    const objects = count * objectsPerDeployment + agents * 2 + versionNames.length;
    const goal = goals.find((one) => objects <= one.objects * 1.1)?.seconds ?? 0;
    const cpuSeconds = await cpuSecondsOf(pid);
    const row = [
      kind,
      count.toLocaleString('en'),
      objects.toLocaleString('en'),
      `≤ ${goal} s`,
      judged(seconds(ready), ready <= goal),
      judged(String(writes), writes === 0),
      String(reads),
      seconds(cpuSeconds),
      mebibytes(await peakResidentBytes(pid)),
      digits(fleet.deployments.converged),
    ];
    return { count, objects, ready, cpuSeconds, row };
  } finally {
    await server.stop();
  }
}

async function run(options: BenchOptions): Promise<BenchResult> {
  const given = options.values['deployments'];
  const counts = given === undefined ? [320, 1000, 3000] : [countOption(options, 'deployments', 1000)];
  const kinds: ServerKind[] =
    options.values['server'] === undefined ? ['embedded', 'kube-apiserver'] : [options.values['server'] as ServerKind];
  const rows: string[][] = [];
  const remarks: string[] = [];
  for (const kind of kinds) {
    const restarts: Restart[] = [];
    for (const count of counts) {
      const restart = await measure(options, kind, count);
      if (restart) restarts.push(restart);
    }
    rows.push(...restarts.map(({ row }) => row));
    if (restarts.length === 0) remarks.push(`No ${kind} was at hand for this run.`);
    if (restarts.length < 2) continue;
    const slope = (of: (restart: Restart) => number) =>
      digits(logLogSlope(restarts.map((restart) => [restart.objects, of(restart)])));
    remarks.push(
      `Log–log slope with the number of objects on the ${kind}: seconds to ready ${slope(({ ready }) => ready)}, controller CPU ${slope(({ cpuSeconds }) => cpuSeconds)}.`,
    );
  }
  return {
    tables: [
      {
        caption: `From the SIGTERM until /readyz answers 200, then watched for ${watchSeconds} s.`,
        columns: [
          'API server',
          'ModelDeployments',
          'objects',
          'goal',
          'seconds to ready',
          'writes (goal 0)',
          'reads and watches',
          'controller CPU until the end',
          'controller, resident (peak)',
          'still Ready',
        ],
        rows,
      },
    ],
    remarks: [
      'Objects: deployments, their revisions and instances, devices with their leases, versions; events are not counted.',
      'A heartbeat, a join or a lease is no write of a restart; none fell into the window, else it would be counted here.',
      ...remarks,
    ],
  };
}

export const bench: Bench = { title: 'Restart of the controller', run };
