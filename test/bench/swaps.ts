// Models are swapped again and again while requests come all the time: none may fail.
import { Client } from 'undici';
import { createWorld } from '../integration/agent/world.ts';
import { type Bench, type BenchOptions, type BenchResult, countOption } from './harness/bench.ts';
import { judged, milliseconds, quantile, seconds } from './harness/format.ts';
import { startRealAgent, untilJoined, untilServing } from './harness/real-agent.ts';

const connections = 4;
const path = '/v2/models/states/infer';
const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }] });
const patienceSeconds = 60;

async function run(options: BenchOptions): Promise<BenchResult> {
  const swaps = countOption(options, 'swaps', 100);
  await using world = await createWorld();
  const agent = await startRealAgent(world, 'device-a');
  const clients = Array.from({ length: connections }, () => new Client(agent.url, { pipelining: 1 }));
  try {
    await untilJoined(world, 'device-a');
    const slots = [await world.slot('classifier.onnx', 'r1'), await world.slot('classifier-2.onnx', 'r2')] as const;
    await world.assign('device-a', 'states', { active: slots[0] });
    await untilServing(agent, 'states');
    const latencies: number[] = [];
    const failures = new Map<string, number>();
    let version = '';
    let running = true;
    const load = clients.map(async (client) => {
      while (running) {
        const started = performance.now();
        const answer = await client.request({ method: 'POST', path, body, headers: { 'content-type': 'application/json' } });
        const text = await answer.body.text();
        latencies.push(performance.now() - started);
        if (answer.statusCode === 200) version = (JSON.parse(text) as { model_version: string }).model_version;
        else {
          const failure = `${answer.statusCode} ${text.slice(0, 100)}`;
          failures.set(failure, (failures.get(failure) ?? 0) + 1);
        }
      }
    });
    const begun = performance.now();
    const taken: number[] = [];
    for (let swap = 0; swap < swaps; swap++) {
      options.signal.throwIfAborted();
      const [active, previous] = swap % 2 === 0 ? [slots[1], slots[0]] : slots;
      const started = performance.now();
      await world.assign('device-a', 'states', { active, previous });
      while (version !== active.modelVersion) {
        if (performance.now() - started > patienceSeconds * 1000)
          throw new Error(`swap ${swap} to ${active.revision} did not come`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      taken.push((performance.now() - started) / 1000);
      if (swap % 20 === 19) options.note(`  ${swap + 1} swaps, ${latencies.length} requests`);
    }
    running = false;
    await Promise.all(load);
    const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
    return {
      tables: [
        {
          caption: `${swaps} swaps between two models in ${seconds((performance.now() - begun) / 1000)}, under constant load of ${connections} connections.`,
          columns: ['what', 'goal', 'measured'],
          rows: [
            ['requests', '–', String(latencies.length)],
            ['failed requests', '0', judged(String(failed), failed === 0)],
            ['latency, p50', '–', milliseconds(quantile(latencies, 0.5))],
            ['latency, p99', '–', milliseconds(quantile(latencies, 0.99))],
            ['from the order to the first answer of the new one, p50', '–', seconds(quantile(taken, 0.5))],
          ],
        },
      ],
      remarks: [...failures].map(([failure, count]) => `${count} × ${failure}`),
    };
  } finally {
    await Promise.all(clients.map((client) => client.destroy()));
    await agent.stop();
  }
}

export const bench: Bench = { title: 'Swaps under load', run };
