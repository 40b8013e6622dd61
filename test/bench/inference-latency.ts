// What the agent adds to a model: against an HTTP echo of the same body plus the model alone, in turns, in the same run.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'undici';
import { nasBench201 } from '../../energy/onnx/nas-bench-201.ts';
import { createWorld } from '../integration/agent/world.ts';
import type { Bench, BenchOptions, BenchResult } from './harness/bench.ts';
import { digits, judged, milliseconds, quantile } from './harness/format.ts';
import { startRealAgent, untilJoined, untilServing } from './harness/real-agent.ts';
import { WorkerProcess } from './harness/worker-process.ts';

const goalMilliseconds = 0.4;
const smallModel = fileURLToPath(new URL('../../model_store/machine-state/2/model.onnx', import.meta.url));
const small = { input: 'window', shape: [1, 60, 4] };
const cell = '|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|';
const side = 160;
const large = { input: 'input', shape: [1, 3, side, side] };
const rounds = 20;
const perRound = 100;

function bodyOf({ input, shape }: typeof small): string {
  const size = shape.reduce((product, length) => product * length, 1);
  return JSON.stringify({ inputs: [{ name: input, datatype: 'FP32', shape, data: Array.from({ length: size }, () => 0.5) }] });
}

/** Milliseconds of each request, one after the other. */
async function post(client: Client, path: string, body: string, count: number): Promise<number[]> {
  const samples: number[] = [];
  for (let index = 0; index < count; index++) {
    const started = performance.now();
    const answer = await client.request({ method: 'POST', path, body, headers: { 'content-type': 'application/json' } });
    const text = await answer.body.text();
    samples.push(performance.now() - started);
    if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode} ${text.slice(0, 300)}`);
  }
  return samples;
}

async function run(options: BenchOptions): Promise<BenchResult> {
  await using world = await createWorld();
  const directory = await mkdtemp(join(tmpdir(), 'jouleops-bench-models-'));
  const [echo, bare, bareLarge] = [
    WorkerProcess.start('echo.ts'),
    WorkerProcess.start('bare-model.ts'),
    WorkerProcess.start('bare-model.ts'),
  ];
  const agent = await startRealAgent(world, 'device-a');
  const clients: Client[] = [];
  const connect = (url: string, connections = 1) => {
    const client = new Client(url, { pipelining: 1, keepAliveTimeout: 60_000 * connections });
    clients.push(client);
    return client;
  };
  try {
    const largeModel = join(directory, 'large.onnx');
    await writeFile(largeModel, nasBench201(cell, { inputShape: [3, side, side], classes: 10, seed: 1 }));
    const runtime = { threads: 1 };
    await untilJoined(world, 'device-a');
    await world.assign('device-a', 'small', { active: await world.slot(smallModel, 'small', { runtime }) });
    await untilServing(agent, 'small');
    const { url } = await echo.call<{ url: string }>('start');
    await bare.call('load', { file: smallModel, feed: small });
    const [toAgent, toEcho] = [connect(agent.url), connect(url)];
    const body = bodyOf(small);
    const path = '/v2/models/small/infer';
    const samples = { agent: [] as number[], echo: [] as number[], bare: [] as number[] };
    for (let round = -2; round < rounds; round++) {
      const [one, two, three] = [
        await post(toAgent, path, body, perRound),
        await post(toEcho, '/', body, perRound),
        await bare.call<number[]>('run', { count: perRound }),
      ];
      if (round < 0) continue; // warms up all three alike
      samples.agent.push(...one);
      samples.echo.push(...two);
      samples.bare.push(...three);
    }
    options.note('  small model done; throughput of the larger one');
    await world.assign('device-a', 'large', { active: await world.slot(largeModel, 'large', { runtime }) });
    // The device's list names one instance at a time in this world: the small model's process ends here.
    await untilServing(agent, 'large');
    await bareLarge.call('load', { file: largeModel, feed: large });
    const throughput = await measureThroughput(bareLarge, [connect(agent.url), connect(agent.url)]);
    return report(samples, throughput, body.length);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await agent.stop();
    await Promise.all([echo, bare, bareLarge].map((worker) => worker.stop()));
    await rm(directory, { recursive: true, force: true });
  }
}

interface Throughput {
  bareMilliseconds: number;
  barePerSecond: number;
  agentPerSecond: number;
}

async function measureThroughput(bare: WorkerProcess, clients: readonly Client[]): Promise<Throughput> {
  const body = bodyOf(large);
  const path = '/v2/models/large/infer';
  await bare.call('run', { count: 5 });
  const turns = 5;
  const perTurn = 20;
  const totals = { bare: 0, agent: 0 };
  const bareSamples: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    let started = performance.now();
    bareSamples.push(...(await bare.call<number[]>('run', { count: perTurn })));
    totals.bare += performance.now() - started;
    started = performance.now();
    await Promise.all(clients.map((client) => post(client, path, body, perTurn / clients.length)));
    totals.agent += performance.now() - started;
  }
  const runs = turns * perTurn;
  return {
    bareMilliseconds: quantile(bareSamples, 0.5),
    barePerSecond: (runs / totals.bare) * 1000,
    agentPerSecond: (runs / totals.agent) * 1000,
  };
}

function report(samples: Record<'agent' | 'echo' | 'bare', number[]>, throughput: Throughput, bodyBytes: number): BenchResult {
  const at = (which: keyof typeof samples, level: number) => quantile(samples[which], level);
  const added = (level: number) => at('agent', level) - at('echo', level) - at('bare', level);
  const row = (name: string, which: keyof typeof samples) => [name, milliseconds(at(which, 0.5)), milliseconds(at(which, 0.95))];
  return {
    tables: [
      {
        caption: `machine-state, ${rounds * perRound} requests of ${bodyBytes} bytes of JSON each, one at a time on one connection; the three take turns.`,
        columns: ['what', 'p50', 'p95'],
        rows: [
          row('the agent, over HTTP', 'agent'),
          row('node:http echo of the same body', 'echo'),
          row('onnxruntime alone', 'bare'),
          [
            `**added** (goal p50 ≤ ${goalMilliseconds} ms)`,
            judged(milliseconds(added(0.5)), added(0.5) <= goalMilliseconds),
            milliseconds(added(0.95)),
          ],
        ],
      },
      {
        caption: `A larger convolutional network, ${milliseconds(throughput.bareMilliseconds)} per run alone; two connections keep the agent busy.`,
        columns: ['what', 'inferences per second', 'of bare'],
        rows: [
          ['onnxruntime alone, one after the other', digits(throughput.barePerSecond), '100 %'],
          [
            'the agent, over HTTP',
            digits(throughput.agentPerSecond),
            `${digits((throughput.agentPerSecond / throughput.barePerSecond) * 100)} %`,
          ],
        ],
      },
    ],
    remarks: [
      'The agent parses JSON into tensors, hands them to the model’s own process over a socket and back: two more processes take part than in the echo, which on a busy machine shows in p95 first.',
    ],
  };
}

export const bench: Bench = { title: 'Inference latency and throughput', run };
