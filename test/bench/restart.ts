// The controller stopped and started again over a fleet that is as it should be.
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually.ts';
import { startBenchServer } from './fleet/api-servers.ts';
import { declareDeployments } from './fleet/declare.ts';
import { Fleet } from './fleet/fleet.ts';
import { type Bench, type BenchOptions, type BenchResult, countOption } from './harness/bench.ts';
import { digits, judged, seconds } from './harness/format.ts';
import { cpuSecondsOf } from './harness/process-usage.ts';
import type { ControllerCalls } from './processes/controller.ts';

const goalSeconds = 5;
/** Long enough for every queue to run dry. */
const watchSeconds = 10;
const deploymentsPerAgent = 10;

async function measure(options: BenchOptions, count: number): Promise<string[]> {
  const server = await startBenchServer('embedded', options.note);
  if (!server) throw new Error('the embedded server did not start');
  try {
    const agents = Math.max(10, Math.ceil(count / deploymentsPerAgent));
    await using fleet = await Fleet.start({ server, agents, note: options.note, signal: options.signal });
    await declareDeployments(fleet, count, options.signal);
    await eventually(async () => {
      await fleet.controller.call('calls');
      await delay(2000);
      const { writes } = await fleet.controller.call<ControllerCalls>('calls');
      if (writes > 0) throw new Error(`${writes} writes before the restart`);
    }, 60);
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
    options.note(`  ${count}: ready after ${ready.toFixed(2)} s; ${JSON.stringify(byKind)}`);
    return [
      count.toLocaleString('en'),
      judged(seconds(ready), count > 1000 || ready <= goalSeconds),
      judged(String(writes), writes === 0),
      String(reads),
      seconds(await cpuSecondsOf(pid)),
      digits(fleet.deployments.converged),
    ];
  } finally {
    await server.stop();
  }
}

async function run(options: BenchOptions): Promise<BenchResult> {
  const counts = options.values['deployments'] === undefined ? [100, 1000] : [countOption(options, 'deployments', 1000)];
  const rows: string[][] = [];
  for (const count of counts) rows.push(await measure(options, count));
  return {
    tables: [
      {
        caption: `On the embedded API server; from the SIGTERM until /readyz answers 200, then watched for ${watchSeconds} s.`,
        columns: [
          'ModelDeployments',
          `seconds to ready (goal ≤ ${goalSeconds} for 1,000)`,
          'writes (goal 0)',
          'reads and watches',
          'controller CPU until the end',
          'still Ready',
        ],
        rows,
      },
    ],
    remarks: [
      'A heartbeat, a join or a lease is no write of a restart; none fell into the window, else it would be counted here.',
    ],
  };
}

export const bench: Bench = { title: 'Restart of the controller', run };
