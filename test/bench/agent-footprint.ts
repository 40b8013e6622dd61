// What an agent with one small model costs while nobody asks it anything, what each further model adds, and where its memory goes.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, cp, mkdir } from 'node:fs/promises';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createWorld } from '../integration/agent/world.ts';
import { type Bench, type BenchOptions, type BenchResult, type BenchTable, countOption } from './harness/bench.ts';
import { judged, mebibytes, percent, quantile, seconds } from './harness/format.ts';
import { cpuSecondsOf, type MappingKind, mappingKinds, mappingsOf, memoryOf, processTree } from './harness/process-usage.ts';
import { type AgentBuild, assignAll, type RealAgent, startRealAgent, untilJoined, untilServing } from './harness/real-agent.ts';

const goal = { proportionalBytes: 120 * 2 ** 20, anonymousBytes: 55 * 2 ** 20, cpuRatio: 0.02, furtherBytes: 25 * 2 ** 20 };
const startGoalSeconds = 1;
const starts = 5;
const further = 3;
/** Longer than the agent waits before it gives back what its start took. */
const settleSeconds = 20;
const root = fileURLToPath(new URL('../..', import.meta.url));
const modelFile = join(root, 'model_store/machine-state/2/model.onnx');

async function usageOf(agentPid: number) {
  const pids = await processTree(agentPid);
  const memories = await Promise.all(pids.map(memoryOf));
  const cpu = await Promise.all(pids.map(cpuSecondsOf));
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  return {
    proportionalBytes: sum(memories.map((memory) => memory.proportionalBytes)),
    anonymousBytes: sum(memories.map((memory) => memory.anonymousBytes)),
    cpuSeconds: sum(cpu),
    mappings: await Promise.all(pids.map(mappingsOf)),
  };
}

/** The bundle with a Node and a runtime of its own: pages that a process elsewhere on this machine maps too would count less. */
async function bundleAlone(folder: string): Promise<AgentBuild> {
  await promisify(execFile)(process.execPath, ['--no-warnings', join(root, 'scripts/bundle.ts'), folder]);
  const node = join(folder, 'node');
  await copyFile(process.execPath, node);
  const packages = join(folder, 'node_modules');
  await mkdir(packages);
  const others = `/linux/${process.arch === 'x64' ? 'arm64' : 'x64'}/`;
  for (const name of ['onnxruntime-node', 'onnxruntime-common'])
    await cp(join(root, 'node_modules', name), join(packages, name), {
      recursive: true,
      filter: (source) => !`${source}/`.includes(others),
    });
  return { entry: join(folder, 'agent/jouleops.js'), node, flags: ['--grpc-port', '0'] };
}

function memoryTable(mappings: readonly ReadonlyMap<MappingKind, number>[]): BenchTable {
  const [agent, model] = mappings;
  const of = (process: ReadonlyMap<MappingKind, number> | undefined, kind: MappingKind) => process?.get(kind) ?? 0;
  return {
    caption: 'Where it goes (PSS): the agent, and the process of its model.',
    columns: ['pages of', 'agent', 'model'],
    rows: mappingKinds.map((kind) => [kind, mebibytes(of(agent, kind)), mebibytes(of(model, kind))]),
  };
}

/** A connection that speaks HTTP/2, as a gRPC client opens it. */
async function connectedOverGrpc<T>({ grpc }: RealAgent, measure: () => Promise<T>): Promise<T> {
  if (grpc === undefined) throw new Error('this agent serves no gRPC');
  const session = connect(`http://${grpc}`);
  try {
    await once(session, 'remoteSettings');
    await delay(3000);
    return await measure();
  } finally {
    session.destroy();
  }
}

async function run(options: BenchOptions): Promise<BenchResult> {
  const idleSeconds = countOption(options, 'idle', 30);
  await using world = await createWorld();
  const build = await bundleAlone(join(world.directory, 'bundle'));
  const slotOf = (revision: string) => world.slot(modelFile, revision, { runtime: { threads: 1 } });
  let agent = await startRealAgent(world, 'device-a', build);
  try {
    await untilJoined(world, 'device-a');
    await world.assign('device-a', 'model-0', { active: await slotOf('r0') });
    const firstServing = await untilServing(agent, 'model-0');
    const again: number[] = [];
    for (let start = 0; start < starts; start++) {
      await agent.stop();
      agent = await startRealAgent(world, 'device-a', build);
      again.push(agent.startSeconds + (await untilServing(agent, 'model-0')));
    }
    options.note(`  serving; idle for ${idleSeconds} s`);
    await delay(settleSeconds * 1000);
    const before = await usageOf(agent.pid);
    await delay(idleSeconds * 1000);
    const after = await usageOf(agent.pid);
    const cpuRatio = (after.cpuSeconds - before.cpuSeconds) / idleSeconds;
    const names = ['model-0'];
    for (let index = 1; index <= further; index++) {
      names.push(`model-${index}`);
      await world.assign('device-a', `model-${index}`, { active: await slotOf(`r${index}`) });
      await assignAll(world, 'device-a', names);
      await untilServing(agent, `model-${index}`);
    }
    await delay(settleSeconds * 1000);
    const withAll = await usageOf(agent.pid);
    const withClient = await connectedOverGrpc(agent, () => usageOf(agent.pid));
    const each = (withAll.proportionalBytes - after.proportionalBytes) / further;
    const start = quantile(again, 0.5);
    const row = (what: string, goalText: string, text: string, met: boolean) => [what, goalText, judged(text, met)];
    const [most, least] = [goal.proportionalBytes, goal.anonymousBytes];
    return {
      tables: [
        {
          caption:
            'The agent with a port for gRPC and the model machine-state (2.4 MB), bundled as in its image, all its processes together, on x86-64.',
          columns: ['what', 'goal', 'measured'],
          rows: [
            row('proportional memory (PSS)', '≤ 120 MiB', mebibytes(after.proportionalBytes), after.proportionalBytes <= most),
            row('anonymous memory', '≤ 55 MiB', mebibytes(after.anonymousBytes), after.anonymousBytes <= least),
            row(
              `processor time at rest over ${idleSeconds} s, of one core`,
              '< 2 %',
              percent(cpuRatio),
              cpuRatio < goal.cpuRatio,
            ),
            row(`each of ${further} further models adds (PSS)`, '≤ 25 MiB', mebibytes(each), each <= goal.furtherBytes),
            row(
              `from start to serving what is on disk, median of ${starts}`,
              '≤ 1.0 s',
              seconds(start),
              start <= startGoalSeconds,
            ),
            [
              'a first gRPC client adds (PSS): the library is loaded with it',
              '–',
              mebibytes(withClient.proportionalBytes - withAll.proportionalBytes),
            ],
            ['from assignment to serving, download included', '–', seconds(firstServing)],
            ['the same on arm64', '–', 'not yet measured'],
          ],
        },
        memoryTable(after.mappings),
      ],
      remarks: [
        'It runs on copies of Node and of ONNX Runtime of its own, so that no other process of the machine shares their pages and makes them look smaller.',
      ],
    };
  } finally {
    await agent.stop();
  }
}

export const bench: Bench = { title: 'Footprint of the agent', run };
