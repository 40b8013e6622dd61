// What the agent adds to a model: against an HTTP echo of the same body plus the model alone, and beside a server from PyPI around the
// same model, in turns, in the same run.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'undici';
import { nasBench201 } from '../../energy/onnx/networks/nas-bench-201.ts';
import { createWorld } from '../integration/agent/world.ts';
import { findPeer, type Peer, startPeer } from '../support/open-inference/peer.ts';
import type { Bench, BenchOptions, BenchResult } from './harness/bench.ts';
import { digits, judged, milliseconds, quantile } from './harness/format.ts';
import { processTree } from './harness/process-usage.ts';
import { startRealAgent, untilJoined, untilServing } from './harness/real-agent.ts';
import { WorkerProcess } from './harness/worker-process.ts';

const goalMilliseconds = 0.4;
const goalOfBare = 0.97;
/** Of everything that is compared, the agent's model processes too, which step back for other work otherwise. */
const niceness = -10;
const smallModel = fileURLToPath(new URL('../../model_store/machine-state/2/model.onnx', import.meta.url));
const small = { input: 'window', shape: [1, 60, 4] };
const cell = '|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|';
const side = 160;
const large = { input: 'input', shape: [1, 3, side, side] };
const rounds = 20;
const perRound = 100;

interface Body {
  headers: Record<string, string>;
  body: string | Buffer;
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, length) => product * length, 1);

function jsonOf({ input, shape }: typeof small): Body {
  const data = Array.from({ length: sizeOf(shape) }, () => 0.5);
  return {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: [{ name: input, datatype: 'FP32', shape, data }] }),
  };
}

/** The protocol's binary extension, which tritonclient uses by default. */
function binaryOf({ input, shape }: typeof small): Body {
  const data = Buffer.from(new Float32Array(sizeOf(shape)).fill(0.5).buffer);
  const parameters = { binary_data_size: data.length };
  const head = Buffer.from(JSON.stringify({ inputs: [{ name: input, datatype: 'FP32', shape, parameters }] }));
  return {
    headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(head.length) },
    body: Buffer.concat([head, data]),
  };
}

/** Milliseconds of each request, one after the other. */
async function post(client: Client, path: string, { headers, body }: Body, count: number): Promise<number[]> {
  const samples: number[] = [];
  for (let index = 0; index < count; index++) {
    const started = performance.now();
    const answer = await client.request({ method: 'POST', path, body, headers });
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
  const python = await findPeer();
  let peer: Peer | undefined;
  prefer(process.pid, echo.pid, bare.pid, bareLarge.pid);
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
    if (python !== undefined)
      peer = await startPeer(python, [
        { name: 'small', file: smallModel, version: '1' },
        { name: 'large', file: largeModel, version: '1' },
      ]);
    await untilJoined(world, 'device-a');
    await world.assign('device-a', 'small', { active: await world.slot(smallModel, 'small', { runtime }) });
    await untilServing(agent, 'small');
    const { url } = await echo.call<{ url: string }>('start');
    await bare.call('load', { file: smallModel, feed: small });
    const [toAgent, toEcho] = [connect(agent.url), connect(url)];
    const body = jsonOf(small);
    const path = '/v2/models/small/infer';
    prefer(...(await processTree(agent.pid)), ...(peer ? [peer.pid] : []));
    const toPeer = peer && connect(peer.url);
    const samples: Samples = { agent: [], echo: [], bare: [], peer: [] };
    for (let round = -2; round < rounds; round++) {
      const [one, two, three] = [
        await post(toAgent, path, body, perRound),
        await post(toEcho, '/', body, perRound),
        await bare.call<number[]>('run', { count: perRound }),
      ];
      const four = toPeer ? await post(toPeer, path, body, perRound) : [];
      if (round < 0) continue; // warms up all alike
      samples.agent.push(...one);
      samples.echo.push(...two);
      samples.bare.push(...three);
      samples.peer.push(...four);
    }
    options.note('  small model done; throughput of the larger one');
    await world.assign('device-a', 'large', { active: await world.slot(largeModel, 'large', { runtime }) });
    // The device's list names one instance at a time in this world: the small model's process ends here.
    await untilServing(agent, 'large');
    prefer(...(await processTree(agent.pid)));
    await bareLarge.call('load', { file: largeModel, feed: large });
    const pair = (at: string) => [connect(at), connect(at)];
    const throughput = await measureThroughput(bareLarge, pair(agent.url), peer && pair(peer.url));
    return report(samples, throughput, await phasesOf(agent.url, 'large'), body.body.length);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await agent.stop();
    await peer?.[Symbol.asyncDispose]();
    await Promise.all([echo, bare, bareLarge].map((worker) => worker.stop()));
    await rm(directory, { recursive: true, force: true });
  }
}

/** Milliseconds of a mean inference in each phase, as the agent's own metrics split it. */
async function phasesOf(url: string, deployment: string): Promise<Record<'queue' | 'transfer' | 'model', number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const sum = (name: string, label: string) => {
    const line = new RegExp(`^jouleops_${name}\\{[^}]*deployment="${deployment}"[^}]*${label}[^}]*\\} (\\S+)$`, 'm');
    return Number(line.exec(text)?.[1]);
  };
  const requests = sum('inference_requests_total', 'code="ok"');
  const phase = (name: string) => (sum('inference_phase_seconds_total', `phase="${name}"`) / requests) * 1000;
  return { queue: phase('queue'), transfer: phase('transfer'), model: phase('model') };
}

type Samples = Record<'agent' | 'echo' | 'bare' | 'peer', number[]>;

function prefer(...pids: number[]): void {
  for (const pid of pids) {
    try {
      setPriority(pid, niceness);
    } catch {
      return; // only root may: then all run as they are
    }
  }
}

interface Throughput {
  bareMilliseconds: number;
  barePerSecond: number;
  binary: Rate;
  json: Rate;
  peer: Rate | undefined;
}

/** Inferences per second, and of what the model alone did in the same turn: medians over the turns. */
interface Rate {
  perSecond: number;
  ofBare: number;
}

/** Turns are short and taken side by side, so that what else the machine does falls on all alike; the median turn counts. */
async function measureThroughput(
  bare: WorkerProcess,
  agent: readonly Client[],
  peer: readonly Client[] | undefined,
): Promise<Throughput> {
  const path = '/v2/models/large/infer';
  await bare.call('run', { count: 5 });
  const turns = 9;
  const perTurn = 20;
  const rates = { bare: [] as number[], binary: [] as number[], json: [] as number[], peer: [] as number[] };
  const rateOf = async (run: () => Promise<unknown>) => {
    const started = performance.now();
    await run();
    return (perTurn / (performance.now() - started)) * 1000;
  };
  const ask = (clients: readonly Client[], body: Body) =>
    Promise.all(clients.map((client) => post(client, path, body, perTurn / clients.length)));
  const [binary, json] = [binaryOf(large), jsonOf(large)];
  const bareSamples: number[] = [];
  for (let turn = -1; turn < turns; turn++) {
    const one = await rateOf(async () => bareSamples.push(...(await bare.call<number[]>('run', { count: perTurn }))));
    const two = await rateOf(() => ask(agent, binary));
    const three = await rateOf(() => ask(agent, json));
    const four = peer ? await rateOf(() => ask(peer, json)) : 0;
    if (turn < 0) continue; // warms up all alike
    rates.bare.push(one);
    rates.binary.push(two);
    rates.json.push(three);
    rates.peer.push(four);
  }
  const median = (values: readonly number[]) => quantile(values, 0.5);
  const beside = (which: 'binary' | 'json' | 'peer'): Rate => ({
    perSecond: median(rates[which]),
    ofBare: median(rates[which].map((rate, turn) => rate / (rates.bare[turn] ?? Number.NaN))),
  });
  return {
    bareMilliseconds: median(bareSamples),
    barePerSecond: median(rates.bare),
    binary: beside('binary'),
    json: beside('json'),
    peer: peer && beside('peer'),
  };
}

const peerName = 'MLServer 1.7.1 around onnxruntime, over HTTP, as JSON';

function report(
  samples: Samples,
  throughput: Throughput,
  phases: Awaited<ReturnType<typeof phasesOf>>,
  bodyBytes: number,
): BenchResult {
  const at = (which: keyof Samples, level: number) => quantile(samples[which], level);
  const added = (which: 'agent' | 'peer', level: number) => at(which, level) - at('echo', level) - at('bare', level);
  const row = (name: string, which: keyof Samples) => [name, milliseconds(at(which, 0.5)), milliseconds(at(which, 0.95))];
  const hasPeer = samples.peer.length > 0;
  const ofBare = (ratio: number) => `${digits(ratio * 100)} %`;
  const goal = (name: string, rate: Rate) => [
    name,
    digits(rate.perSecond),
    judged(ofBare(rate.ofBare), rate.ofBare >= goalOfBare),
  ];
  return {
    tables: [
      {
        caption: `machine-state, ${rounds * perRound} requests of ${bodyBytes} bytes of JSON each, one at a time on one connection; they take turns.`,
        columns: ['what', 'p50', 'p95'],
        rows: [
          row('the agent, over HTTP', 'agent'),
          ...(hasPeer ? [row(peerName, 'peer')] : []),
          row('node:http echo of the same body', 'echo'),
          row('onnxruntime alone', 'bare'),
          [
            `**added by the agent** (goal p50 ≤ ${goalMilliseconds} ms)`,
            judged(milliseconds(added('agent', 0.5)), added('agent', 0.5) <= goalMilliseconds),
            milliseconds(added('agent', 0.95)),
          ],
          ...(hasPeer ? [['added by the peer', milliseconds(added('peer', 0.5)), milliseconds(added('peer', 0.95))]] : []),
        ],
      },
      {
        caption: `A larger convolutional network, ${milliseconds(throughput.bareMilliseconds)} per run alone; two connections keep each server busy. Medians of nine turns.`,
        columns: ['what', 'inferences per second', `of bare in the same turn (goal ≥ ${digits(goalOfBare * 100, 2)} %)`],
        rows: [
          ['onnxruntime alone, one after the other', digits(throughput.barePerSecond), '100 %'],
          goal('the agent, over HTTP, tensors as binary data', throughput.binary),
          goal('the agent, over HTTP, tensors as JSON', throughput.json),
          ...(throughput.peer ? [[peerName, digits(throughput.peer.perSecond), ofBare(throughput.peer.ofBare)]] : []),
        ],
      },
    ],
    remarks: [
      `Everything that is compared runs with niceness ${niceness} where the system allows it, so that other work of the machine delays it less, and all alike.`,
      `Of a mean inference of the larger network the agent’s metrics count ${milliseconds(phases.model)} as the model’s, ${milliseconds(phases.transfer)} as transfer to its process and back, ${milliseconds(phases.queue)} as waiting for the other connection’s.`,
      'The agent parses JSON into tensors, hands them to the model’s own process over a socket and back: two more processes take part than in the echo, which on a busy machine shows in p95 first.',
      ...(hasPeer
        ? [
            'The peer runs the model in its own process (`parallel_workers: 0`, its fastest for one model), by a runtime of its own codecs around onnxruntime with the same session options (test/e2e/peer/onnx_runtime.py).',
          ]
        : ['No Python: the peer was left out.']),
    ],
  };
}

export const bench: Bench = { title: 'Inference latency and throughput', run };
