// `npm start` after the install: how long a newcomer waits, on a fresh directory and on one that has served before.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modelDeployments } from '../../crds/resources.ts';
import { createClient } from '../../kube/api/http-client.ts';
import { loadKubeconfig } from '../../kube/api/kubeconfig.ts';
import { findCondition } from '../../kube/meta/conditions.ts';
import { eventually } from '../support/eventually.ts';
import type { Bench, BenchOptions, BenchResult } from './harness/bench.ts';
import { seconds } from './harness/format.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const namespace = 'factory';

interface Times {
  endpoints: number;
  firstReady: number;
  summary: number;
}

async function startOnce(directory: string, note: (text: string) => void): Promise<Times> {
  const started = performance.now();
  const since = () => (performance.now() - started) / 1000;
  const command = ['start', '--silent', '--', '--data-dir', directory, '--port', '0', '--web-port', '0'];
  const child = spawn('npm', command, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const still = () => {
    if (child.exitCode !== null) throw new Error(`npm start ended with ${child.exitCode}:\n${output}`);
  };
  try {
    await eventually(
      () => {
        still();
        return readFile(join(directory, 'endpoints.json'));
      },
      120,
      20,
    );
    const endpoints = since();
    const client = createClient(await loadKubeconfig(join(directory, 'kubeconfig')));
    const signal = AbortSignal.timeout(300_000);
    await eventually(
      async () => {
        const { status } = await client.get(modelDeployments, { namespace, name: 'nas-cell' }, { signal });
        if (findCondition(status?.conditions, 'Ready')?.status !== 'True') throw new Error('nas-cell is not Ready');
      },
      280,
      20,
    );
    const firstReady = since();
    await client.close();
    await eventually(
      () => {
        still();
        if (!output.includes('Ctrl-C stops everything')) throw new Error(`no summary yet:\n${output}`);
      },
      280,
      50,
    );
    const times = { endpoints, firstReady, summary: since() };
    note(`  ${JSON.stringify(times)}`);
    return times;
  } finally {
    await endGroup(child);
  }
}

/** As Ctrl-C on a terminal: the whole group is told. */
async function endGroup(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const exit = once(child, 'exit');
  process.kill(-child.pid, 'SIGINT');
  await exit;
}

async function run({ note }: BenchOptions): Promise<BenchResult> {
  const directory = await mkdtemp(join(tmpdir(), 'jouleops-bench-start-'));
  try {
    const fresh = await startOnce(directory, note);
    const again = await startOnce(directory, note);
    const row = (what: string, key: keyof Times) => [what, seconds(fresh[key]), seconds(again[key])];
    return {
      tables: [
        {
          caption:
            '`npm start` with the dependencies installed: control plane, controller, the agent of this machine, two simulated boards, the examples.',
          columns: ['from the command until', 'fresh directory', 'started again'],
          rows: [
            row('endpoints.json: everything answers', 'endpoints'),
            row('the predicted example (nas-cell) is Ready', 'firstReady'),
            row('the summary: all examples tested, served or refused', 'summary'),
          ],
        },
      ],
      remarks: [
        'On a fresh directory most of the wait for the summary is the controlled energy test of machine-state (six windows of ten seconds and its warm-up); nothing waits for it the second time.',
      ],
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export const bench: Bench = { title: 'Start-up', run };
