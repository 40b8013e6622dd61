// How long a device that still holds the old model takes to answer with it again, while requests go on.
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Slot } from '../../crds/model-instance.ts';
import { nasBench201 } from '../../energy/onnx/networks/nas-bench-201.ts';
import { createWorld, type World } from '../integration/agent/world.ts';
import { type Bench, type BenchOptions, type BenchResult, countOption } from './harness/bench.ts';
import { judged, quantile, seconds } from './harness/format.ts';
import { type RealAgent, startRealAgent, untilJoined, untilServing } from './harness/real-agent.ts';

const goalSeconds = 2;
const cell = '|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|';
const device = 'device-a';
const storedModel = (version: number) =>
  fileURLToPath(new URL(`../../model_store/machine-state/${version}/model.onnx`, import.meta.url));

interface Subject {
  name: string;
  title: string;
  input: { name: string; shape: number[] };
  slots: (world: World) => Promise<[old: Slot, bad: Slot]>;
}

const runtime = { threads: 1 };

const subjects: readonly Subject[] = [
  {
    name: 'small',
    title: 'machine-state (2.4 MB)',
    input: { name: 'window', shape: [1, 60, 4] },
    slots: async (world) => [
      await world.slot(storedModel(1), 'small-old', { runtime }),
      await world.slot(storedModel(2), 'small-bad', { runtime }),
    ],
  },
  {
    name: 'large',
    title: 'a convolutional network, 160 × 160 pixels, some 45 ms an inference',
    input: { name: 'input', shape: [1, 3, 160, 160] },
    slots: async (world) => {
      const slotOf = async (revision: string, seed: number): Promise<Slot> => {
        const { digest, size } = await world.addArtifact(nasBench201(cell, { inputShape: [3, 160, 160], classes: 10, seed }));
        const version = `${revision}.0.0`;
        return { revision, modelVersionName: `model-${revision}`, modelVersion: version, variant: 'fp32', digest, size, runtime };
      };
      return [await slotOf('large-old', 1), await slotOf('large-bad', 2)];
    },
  },
];

async function run(options: BenchOptions): Promise<BenchResult> {
  const rounds = countOption(options, 'rounds', 10);
  await using world = await createWorld();
  const agent = await startRealAgent(world, device);
  try {
    await untilJoined(world, device);
    const rows: string[][] = [];
    for (const subject of subjects) {
      options.note(subject.title);
      const result = await measure(world, agent, subject, rounds, options.signal);
      const most = Math.max(...result.seconds);
      rows.push([
        subject.title,
        String(rounds),
        seconds(quantile(result.seconds, 0.5)),
        judged(seconds(most), most <= goalSeconds),
        `${result.failed} of ${result.asked}`,
      ]);
    }
    return {
      tables: [
        {
          caption:
            'The bad revision serves, the old one is `previous`: on disk and verified, out of memory. Requests are sent one after the other all the time.',
          columns: [
            'model',
            'rollbacks',
            'order to first answer of the old model, p50',
            `longest (goal ≤ ${goalSeconds} s)`,
            'requests that failed',
          ],
          rows,
        },
      ],
      remarks: [
        'From the write of the slots until a request is answered by the old model: the agent reads its instance, loads the model in a process of its own, warms it up, and swaps. What served goes on until then.',
        'The agent, its models, the API server and the client share the machine. The controller’s decision comes before: it writes the slots in the pass that sees the breach.',
      ],
    };
  } finally {
    await agent.stop();
  }
}

async function measure(world: World, agent: RealAgent, { name, input, slots }: Subject, rounds: number, signal: AbortSignal) {
  const [old, bad] = await slots(world);
  await world.assign(device, name, { active: old });
  await untilServing(agent, name);
  const size = input.shape.reduce((product, length) => product * length, 1);
  const data = Array.from({ length: size }, () => 0.5);
  const body = JSON.stringify({ inputs: [{ ...input, datatype: 'FP32', data }] });
  const asked = { asked: 0, failed: 0 };
  const ask = async (): Promise<string | undefined> => {
    asked.asked += 1;
    const response = await fetch(`${agent.url}/v2/models/${name}/infer`, { method: 'POST', body });
    const answer = (await response.json()) as { model_version?: string };
    if (response.status !== 200) asked.failed += 1;
    return answer.model_version;
  };
  const until = async (version: string): Promise<number> => {
    const started = performance.now();
    while ((await ask()) !== version) {
      signal.throwIfAborted();
      if (performance.now() - started > 60_000) throw new Error(`${name}: version ${version} does not answer`);
      await delay(5);
    }
    return (performance.now() - started) / 1000;
  };
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await world.assign(device, name, { active: bad, previous: old });
    await until(bad.modelVersion);
    await delay(1000); // the old one has left the memory
    const order = world.assign(device, name, { active: old });
    samples.push(await until(old.modelVersion));
    await order;
  }
  return { seconds: samples, ...asked };
}

export const bench: Bench = { title: 'Rollback', run };
