// A day of an agent in minutes: requests, swaps, windows of measurement, heartbeats, and times without a network. Memory has to stay flat.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'undici';
import type { AgentOptions, AgentReadiness } from '../../agent/options.ts';
import { createWorld, type World } from '../integration/agent/world.ts';
import { TcpSwitch } from '../support/tcp-switch.ts';
import { type Bench, type BenchOptions, type BenchResult, countOption } from './harness/bench.ts';
import { judged, mebibytes, quantile } from './harness/format.ts';
import { mappingsOf, memoryOf, processTree } from './harness/process-usage.ts';

/** A window of ten seconds a hundred times as fast: a day of them in a quarter of an hour. */
const windowSeconds = 0.1;
const heartbeatSeconds = 0.6;
const swapSeconds = 8;
/** Each minute a quarter of it without the API server. */
const minuteSeconds = 60;
const darkSeconds = 15;
const sampleSeconds = 2;
const betweenRequestsMilliseconds = 15;
const connections = 2;
const flatBytes = 3 * 2 ** 20;
const path = '/v2/models/states/infer';
const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }] });

interface Sample {
  atSeconds: number;
  agentBytes: number;
  /** Of the agent's: what its libraries took, without the heap of JavaScript. */
  mallocBytes: number;
  modelBytes: number;
  processes: number;
}

async function startAgent(options: AgentOptions): Promise<{ child: ChildProcess; url: string }> {
  const entry = fileURLToPath(new URL('../integration/agent/agent-process.ts', import.meta.url));
  const flags = ['--no-warnings', '--max-semi-space-size=1', '--v8-pool-size=1'];
  const env = { ...process.env, MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '16384', MALLOC_MMAP_THRESHOLD_: '16384' };
  const child = spawn(process.execPath, [...flags, entry, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return { child, url: (JSON.parse(line.toString('utf8')) as AgentReadiness).url };
}

async function sampleOf(pid: number, atSeconds: number): Promise<Sample> {
  const pids = await processTree(pid);
  const memories = await Promise.all(pids.map((one) => memoryOf(one).catch(() => undefined)));
  const [agent, ...models] = memories.map((memory) => memory?.anonymousBytes ?? 0);
  const modelBytes = Math.max(0, ...models);
  const mallocBytes = (await mappingsOf(pid)).get('malloc') ?? 0;
  return { atSeconds, agentBytes: agent ?? 0, mallocBytes, modelBytes, processes: pids.length };
}

const isWithin = (from: number, to: number) => (sample: Sample) => sample.atSeconds >= from && sample.atSeconds < to;

async function run(options: BenchOptions): Promise<BenchResult> {
  const forSeconds = countOption(options, 'seconds', 900);
  let line: TcpSwitch | undefined;
  let realPort = 0;
  await using world: World = await createWorld(async ({ url, certificateAuthority }) => {
    realPort = Number(new URL(url).port);
    line ??= await TcpSwitch.start(realPort);
    return { url: `https://127.0.0.1:${line.port}`, certificateAuthority };
  });
  const { child, url } = await startAgent({
    name: 'device-a',
    dataDirectory: join(world.directory, 'device-a'),
    join: { kind: 'JoinToken', token: await world.joinToken() },
    simulate: 'raspberry-pi-5',
    windowSeconds,
    heartbeatSeconds,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('the agent could not be started');
  const clients = Array.from({ length: connections }, () => new Client(url, { pipelining: 1 }));
  const over = new AbortController();
  const counted = { requests: 0, failed: 0, swaps: 0, dark: 0, tests: 0 };
  const samples: Sample[] = [];
  const begun = performance.now();
  const passed = () => (performance.now() - begun) / 1000;
  const isOver = () => over.signal.aborted;
  const budget = { energyPerInference: '1J', averagePower: '100W', energyPerDay: '1000kJ' };
  const slots = [
    await world.slot('classifier.onnx', 'r1', { budget }),
    await world.slot('classifier-2.onnx', 'r2', { budget }),
  ] as const;
  const assign = async () => {
    const [active, previous] = counted.swaps % 2 === 0 ? slots : ([slots[1], slots[0]] as const);
    // Every fourth time a controlled loop is ordered too.
    const energyTest = counted.swaps % 4 === 3 ? { id: `t${counted.swaps}`, kind: 'Absolute' as const, windows: 6 } : undefined;
    if (energyTest) counted.tests++;
    await world.assign('device-a', 'states', { active, previous, ...(energyTest === undefined ? {} : { energyTest }) });
  };
  try {
    await assign();
    for (let ready = false; !ready; await delay(50)) {
      const answer = await fetch(`${url}/v2/models/states/ready`);
      await answer.arrayBuffer();
      ready = answer.status === 200;
    }
    const load = clients.map(async (client) => {
      while (!isOver()) {
        const answer = await client.request({ method: 'POST', path, body, headers: { 'content-type': 'application/json' } });
        await answer.body.dump();
        counted.requests++;
        if (answer.statusCode !== 200) counted.failed++;
        await delay(betweenRequestsMilliseconds);
      }
    });
    const swapping = (async () => {
      for (; !isOver(); await delay(swapSeconds * 1000)) {
        counted.swaps++;
        await assign();
      }
    })();
    const network = (async () => {
      while (!isOver()) {
        await delay((minuteSeconds - darkSeconds) * 1000);
        line?.plugInto(0);
        counted.dark++;
        await delay(darkSeconds * 1000);
        line?.plugInto(realPort);
      }
    })();
    while (passed() < forSeconds) {
      options.signal.throwIfAborted();
      samples.push(await sampleOf(pid, passed()));
      if (samples.length % 60 === 0)
        options.note(`  ${Math.round(passed())} s, ${counted.requests} requests, ${mebibytes(samples.at(-1)?.agentBytes ?? 0)}`);
      await delay(sampleSeconds * 1000);
    }
    over.abort();
    await Promise.all([...load, swapping, network]);
  } finally {
    over.abort();
    await Promise.all(clients.map((client) => client.destroy()));
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
    await line?.close();
  }
  return report(samples, counted, forSeconds);
}

function report(
  samples: readonly Sample[],
  counted: { requests: number; failed: number; swaps: number; dark: number; tests: number },
  forSeconds: number,
): BenchResult {
  const part = (from: number, to: number, of: (sample: Sample) => number) =>
    quantile(samples.filter(isWithin(from * forSeconds, to * forSeconds)).map(of), 0.5);
  const row = (what: string, of: (sample: Sample) => number) => {
    const [second, last] = [part(0.25, 0.5, of), part(0.75, 1, of)];
    const growth = last - second;
    const text = `${growth < 0 ? '−' : '+'}${mebibytes(Math.abs(growth))}`;
    return [
      what,
      mebibytes(part(0, 0.25, of)),
      mebibytes(second),
      mebibytes(part(0.5, 0.75, of)),
      mebibytes(last),
      judged(text, growth <= flatBytes),
    ];
  };
  const most = Math.max(...samples.map(({ processes }) => processes));
  return {
    tables: [
      {
        caption: `Anonymous memory, median of each quarter of ${forSeconds} s.`,
        columns: ['process', 'first', 'second', 'third', 'last', 'last against second (goal ≤ +3 MiB)'],
        rows: [
          row('the agent', (sample) => sample.agentBytes),
          row('of it malloc, without the heap of JavaScript', (sample) => sample.mallocBytes),
          row('the process of its model', (sample) => sample.modelBytes),
        ],
      },
      {
        caption: 'What happened meanwhile, and in a day at the usual pace.',
        columns: ['what', 'here', 'in a day'],
        rows: [
          ['windows of measurement, at most', String(Math.round(forSeconds / windowSeconds)), '8640'],
          ['heartbeats, at most', String(Math.round(forSeconds / heartbeatSeconds)), '1440'],
          ['requests', String(counted.requests), '–'],
          ['failed requests (goal 0)', judged(String(counted.failed), counted.failed === 0), '–'],
          ['swaps', String(counted.swaps), 'a few'],
          ['controlled loops ordered', String(counted.tests), 'a few'],
          [`times of ${darkSeconds} s without the API server`, String(counted.dark), '–'],
        ],
      },
    ],
    remarks: [
      `Windows are ${10 / windowSeconds} times as short as usual and heartbeats ${60 / heartbeatSeconds} times as frequent; the meter is read at each end of a window. At most ${most} processes lived at once: both models of a swap.`,
    ],
  };
}

export const bench: Bench = { title: 'A day in minutes', run };
