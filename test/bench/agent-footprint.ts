// What an agent with one small model costs while nobody asks it anything.
import { execFile } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createWorld } from '../integration/agent/world.ts';
import { type Bench, type BenchOptions, type BenchResult, countOption } from './harness/bench.ts';
import { judged, mebibytes, percent, seconds } from './harness/format.ts';
import { cpuSecondsOf, memoryOf, processTree } from './harness/process-usage.ts';
import { assignAll, startRealAgent, untilJoined, untilServing } from './harness/real-agent.ts';

const goal = { proportionalBytes: 120 * 2 ** 20, anonymousBytes: 55 * 2 ** 20, cpuRatio: 0.02, furtherBytes: 25 * 2 ** 20 };
const bundler = fileURLToPath(new URL('../../scripts/bundle.ts', import.meta.url));
const modelFile = fileURLToPath(new URL('../../model_store/machine-state/2/model.onnx', import.meta.url));

async function usageOf(root: number) {
  const pids = await processTree(root);
  const memories = await Promise.all(pids.map(memoryOf));
  const cpu = await Promise.all(pids.map(cpuSecondsOf));
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  return {
    processes: memories.map((memory) => memory.proportionalBytes),
    proportionalBytes: sum(memories.map((memory) => memory.proportionalBytes)),
    anonymousBytes: sum(memories.map((memory) => memory.anonymousBytes)),
    cpuSeconds: sum(cpu),
  };
}

async function run(options: BenchOptions): Promise<BenchResult> {
  const idleSeconds = countOption(options, 'idle', 30);
  await using world = await createWorld();
  const folder = join(world.directory, 'bundle');
  await promisify(execFile)(process.execPath, ['--no-warnings', bundler, folder]);
  const entry = join(folder, 'agent', 'jouleops.js');
  // Where Node looks for what is not bundled.
  await symlink(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'));
  const slot = await world.slot(modelFile, 'one', { runtime: { threads: 1 } });
  let agent = await startRealAgent(world, 'device-a', entry);
  try {
    await untilJoined(world, 'device-a');
    await world.assign('device-a', 'model-a', { active: slot });
    const firstServing = await untilServing(agent, 'model-a');
    await agent.stop();
    agent = await startRealAgent(world, 'device-a', entry);
    const again = agent.startSeconds + (await untilServing(agent, 'model-a'));
    options.note(`  serving; idle for ${idleSeconds} s`);
    await delay(5000);
    const before = await usageOf(agent.pid);
    await delay(idleSeconds * 1000);
    const after = await usageOf(agent.pid);
    const cpuRatio = (after.cpuSeconds - before.cpuSeconds) / idleSeconds;
    await world.assign('device-a', 'model-b', { active: await world.slot(modelFile, 'two', { runtime: { threads: 1 } }) });
    await assignAll(world, 'device-a', ['model-a', 'model-b']);
    await untilServing(agent, 'model-a');
    await untilServing(agent, 'model-b');
    await delay(5000);
    const withTwo = await usageOf(agent.pid);
    const further = withTwo.proportionalBytes - after.proportionalBytes;
    const row = (what: string, goalText: string, text: string, met: boolean) => [what, goalText, judged(text, met)];
    return {
      tables: [
        {
          caption: 'The agent with the model machine-state (2.4 MB), bundled as in its image, all its processes together.',
          columns: ['what', 'goal', 'measured'],
          rows: [
            row(
              'proportional memory (PSS)',
              '≤ 120 MiB',
              mebibytes(after.proportionalBytes),
              after.proportionalBytes <= goal.proportionalBytes,
            ),
            row('anonymous memory', '≤ 55 MiB', mebibytes(after.anonymousBytes), after.anonymousBytes <= goal.anonymousBytes),
            row(
              `processor time at rest over ${idleSeconds} s, of one core`,
              '< 2 %',
              percent(cpuRatio),
              cpuRatio < goal.cpuRatio,
            ),
            row('a second model adds (PSS)', '≤ 25 MiB', mebibytes(further), further <= goal.furtherBytes),
            ['from assignment to serving, download included', '–', seconds(firstServing)],
            ['from start to serving what is on disk', '–', seconds(again)],
          ],
        },
      ],
      remarks: [
        `PSS by process: ${after.processes.map(mebibytes).join(' + ')} (agent, then its model). Other Node processes that ran at the same time share pages and lower it.`,
      ],
    };
  } finally {
    await agent.stop();
  }
}

export const bench: Bench = { title: 'Footprint of the agent', run };
