// The life of one agent, with every operation on its disk written down: it joins, serves, swaps, renews, evicts, stops and starts.
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { digestsOf } from '../../../agent/assignment/desired-state.ts';
import { type DeviceIdentity, lifetimeOf, readIdentity } from '../../../agent/identity/device-identity.ts';
import type { AgentOptions } from '../../../agent/options.ts';
import type { Slot } from '../../../crds/model-instance.ts';
import { type Clock, systemClock } from '../../../kube/runtime/clock.ts';
import { classify, type World } from '../../integration/agent/world.ts';
import { eventually } from '../eventually.ts';
import { startAgentRun } from './agent-run.ts';
import type { Operation } from './operations.ts';
import { RecordingDisk } from './recording-disk.ts';

export interface Life {
  operations: readonly Operation[];
  /** From this operation on a restart may serve one of these model versions, and no other. */
  marks: readonly { from: number; mayServe: readonly string[] }[];
  /** Of each version, the digests of all its files. */
  files: ReadonlyMap<string, readonly string[]>;
  first: DeviceIdentity;
  renewed: DeviceIdentity;
  name: string;
  model: string;
}

const name = 'device-a';
const model = 'states';
/** Larger than a chunk of the network, so that a download takes several writes. */
const weightBytes = 400_000;
const quotaBytes = 2_500_000;
const longWaitMilliseconds = 60_000;

export async function liveThrough(world: World): Promise<Life> {
  const disk = new RecordingDisk(world.directory);
  const dataDirectory = path.join(world.directory, name);
  const marks: { from: number; mayServe: string[] }[] = [];
  const mark = (...mayServe: string[]) => marks.push({ from: disk.operations.length, mayServe });
  const files = new Map<string, string[]>();
  let ahead = 0;
  /** Only for what waits for minutes: it may come at once. */
  const clock: Clock = {
    now: () => systemClock.now() + ahead,
    monotonic: () => systemClock.monotonic(),
    sleep: (milliseconds, signal) => systemClock.sleep(milliseconds >= longWaitMilliseconds ? 200 : milliseconds, signal),
  };
  const options: AgentOptions = {
    name,
    dataDirectory,
    simulate: 'raspberry-pi-5',
    storageLimitBytes: quotaBytes,
    windowSeconds: 2,
    heartbeatSeconds: 1,
    join: { kind: 'JoinToken', token: await world.joinToken() },
  };
  const identity = async () => {
    const known = await readIdentity(dataDirectory);
    if (!known) throw new Error('there is no identity yet');
    return known;
  };
  let agent = await startAgentRun(options, clock, disk);
  const slot = async (revision: string, file: string, more: Partial<Slot> = {}) => {
    const weights = await world.addArtifact(randomBytes(weightBytes));
    const made = await world.slot(file, revision, { externalData: [{ path: 'beside.bin', ...weights }], ...more });
    files.set(made.modelVersion, digestsOf(made));
    return made;
  };
  const untilServing = (revision: string) =>
    eventually(async () => {
      const { body } = await classify(agent.url, model);
      if (body['model_version'] !== `${revision}.0.0`) throw new Error(`${revision} does not serve yet: ${JSON.stringify(body)}`);
    }, 30);
  const settled = async () => {
    const seen = disk.operations.length;
    await systemClock.sleep(300, AbortSignal.timeout(60_000));
    if (disk.operations.length !== seen) throw new Error('the disk is still at work');
  };

  await eventually(() => world.device(name), 20);
  const first = await eventually(identity);
  const golden = await world.addArtifact(Buffer.from(`${JSON.stringify(goldenSample)}\n`));
  const goldenSet = { ...golden, metric: 'Accuracy' as const, minimumPermille: 0 };
  const r1 = await slot('r1', 'classifier.onnx', { goldenSet });
  await world.assign(name, model, { active: r1 });
  await untilServing('r1');
  mark('r1.0.0');
  const r2 = await slot('r2', 'classifier-2.onnx');
  await world.assign(name, model, { active: r1, candidate: r2 });
  await eventually(async () => {
    if ((await classify(agent.url, `${model}/versions/r2.0.0`)).status !== 200) throw new Error('the candidate is not loaded');
  }, 30);
  mark('r1.0.0', 'r2.0.0');
  await world.assign(name, model, { active: r2, previous: r1 });
  await untilServing('r2');
  mark('r2.0.0');
  ahead = lifetimeOf(first.certificate).renewAt - systemClock.now() + 1000;
  const renewed = await eventually(async () => {
    const now = await identity();
    if (now.key === first.key) throw new Error('the certificate was not renewed yet');
    return now;
  }, 30);
  ahead = 0;
  // The third needs the room of the first, which no slot names any more.
  const r3 = await slot('r3', 'classifier.onnx', { goldenSet });
  const r4 = await slot('r4', 'classifier-2.onnx');
  mark('r2.0.0', 'r3.0.0');
  await world.assign(name, model, { active: r3, previous: r2 });
  await untilServing('r3');
  mark('r3.0.0', 'r4.0.0');
  await world.assign(name, model, { active: r4, previous: r3 });
  await untilServing('r4');
  mark('r4.0.0');
  await eventually(settled, 20);
  await agent.stop();
  agent = await startAgentRun(options, clock, disk);
  await untilServing('r4');
  await eventually(settled, 20);
  await agent.stop();
  return { operations: disk.operations, marks, files, first, renewed, name, model };
}

const goldenSample = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }], outputs: [], label: 0 };
