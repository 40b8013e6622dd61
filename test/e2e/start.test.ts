// `npm start` as a newcomer meets it: real processes, real models, the lines that it prints pasted into a shell.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual, promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Endpoints } from '../../cli/up/endpoints.ts';
import { group, version } from '../../crds/resources.ts';
import { eventually } from '../support/eventually.ts';

const run = promisify(execFile);
const shell = (line: string) => run('bash', ['-c', line], { timeout: 30_000 });

class Start {
  readonly child: ChildProcess;
  output = '';

  constructor(dataDirectory: string, ...more: string[]) {
    this.child = spawn(
      'npm',
      ['start', '--silent', '--', '--data-dir', dataDirectory, '--port', '0', '--web-port', '0', ...more],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      },
    );
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  async until(text: string, seconds: number): Promise<void> {
    await eventually(
      () => {
        if (!this.output.includes(text)) throw new Error(`no "${text}" yet in:\n${this.output}`);
      },
      seconds,
      100,
    );
  }

  async end(signal?: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode !== null) return this.child.exitCode;
    const exit = once(this.child, 'exit');
    // As the terminal does it: to the whole group in the foreground.
    if (signal && this.child.pid !== undefined) process.kill(-this.child.pid, signal);
    await exit;
    // npm may end before what it started has ended.
    const { pid } = this.child;
    if (pid !== undefined) await eventually(() => expect(() => process.kill(-pid, 0)).toThrow('ESRCH'), 30);
    return this.child.exitCode;
  }
}

interface Item {
  kind: string;
  metadata: { name: string; namespace?: string; resourceVersion: string };
  status?: {
    conditions?: { type: string; status: string; reason: string }[];
    classes?: { amounts: { verdict: string; measured?: unknown }[] }[];
  };
}

/** What was measured last is learned from, and numbers that only moved are written some seconds later: for longer than that, nothing. */
async function settled<T>(look: () => Promise<T>): Promise<T> {
  const quietMilliseconds = 10_000;
  let last = await look();
  let since = performance.now();
  for (const end = since + 60_000; performance.now() < end; await setTimeout(250)) {
    const now = await look();
    if (!isDeepStrictEqual(now, last)) since = performance.now();
    else if (performance.now() - since >= quietMilliseconds) return now;
    last = now;
  }
  throw new Error('still writing a minute after everything had converged');
}

describe('npm start', () => {
  let directory: string;
  let first: Start;
  const kubectl = async (args: string) => (await shell(`kubectl --kubeconfig ${directory}/kubeconfig ${args}`)).stdout;
  const items = async (kinds: string): Promise<Item[]> =>
    (JSON.parse(await kubectl(`get ${kinds} -A -o json`)) as { items: Item[] }).items;
  const deployment = async (name: string) => {
    const found = (await items('modeldeployments')).find((item) => item.metadata.name === name);
    if (!found) throw new Error(`no deployment ${name}`);
    return {
      condition: (type: string) => found.status?.conditions?.find((one) => one.type === type),
      classes: found.status?.classes ?? [],
    };
  };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'jouleops-start-'));
    first = new Start(directory);
    await first.until('Ctrl-C stops everything', 220);
  }, 240_000);

  afterAll(async () => {
    await first.end('SIGTERM');
    await rm(directory, { recursive: true, force: true });
  });

  it('says where everything is before it has converged', async () => {
    const endpoints = JSON.parse(await readFile(join(directory, 'endpoints.json'), 'utf8')) as Endpoints;
    expect(
      Object.fromEntries(endpoints.devices.map((device) => [device.class.replace(/^generic-.*/, 'generic'), device.simulated])),
    ).toEqual({
      generic: false,
      'jetson-nano-simulated': true,
      'raspberry-pi-5-simulated': true,
    });
    expect(first.output.indexOf(endpoints.apiServer)).toBeGreaterThanOrEqual(0);
    expect((await fetch(`${endpoints.web}/readyz`)).status).toBe(200);
  });

  it('admits, tests or refuses each example for the stated reason', async () => {
    const nasCell = await deployment('nas-cell');
    expect(nasCell.condition('Ready')?.status).toBe('True');
    expect(nasCell.classes[0]?.amounts[0]?.verdict).toBe('WithinBudget');
    const machineState = await deployment('machine-state');
    expect(machineState.condition('Ready')?.status).toBe('True');
    expect(machineState.classes[0]?.amounts[0]?.measured).toMatchObject({ attribution: 'Controlled' });
    const here = await deployment('machine-state-here');
    expect(here.condition('Ready')?.status).toBe('True');
    expect(here.condition('BudgetRespected')).toMatchObject({ status: 'Unknown' });
    expect((await deployment('resnet50')).condition('Stalled')).toMatchObject({
      status: 'True',
      reason: 'BudgetExceededPredicted',
    });
    expect((await deployment('nas-cell-here')).condition('Stalled')).toMatchObject({ status: 'True', reason: 'NoPredictor' });
    expect(first.output).toMatch(/lower bound \S+ > budget 100mJ/);
  });

  it('prints a curl line and a kubectl line that work when pasted', async () => {
    const curl = /^ *(curl .*)$/m.exec(first.output)?.[1] ?? '';
    const answer = JSON.parse((await shell(curl)).stdout) as {
      model_name: string;
      outputs: { shape: number[]; data: number[] }[];
    };
    expect(answer.outputs[0]?.shape.at(-1)).toBe(4);
    expect(answer.outputs[0]?.data.slice(0, 4).reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 4);
    const line = /^ *(kubectl .*)$/m.exec(first.output)?.[1] ?? '';
    expect((await shell(line)).stdout).toContain('nas-cell');
  });

  it('refuses a second start on the same directory and says what to do', async () => {
    const second = new Start(directory);
    expect(await second.end()).toBe(1);
    expect(second.output).toContain(directory);
    expect(second.output).toContain('next:');
  });

  it('stops cleanly, resumes from disk, and writes nothing that is already so', async () => {
    const ours = 'modeldeployments,modelinstances,modelversions,edgedevices,deviceclasses,fleetrepositories,controllerrevisions';
    const versions = async () =>
      new Map(
        (await items(ours)).map((item) => [
          `${item.kind} ${item.metadata.namespace ?? ''}/${item.metadata.name}`,
          item.metadata.resourceVersion,
        ]),
      );
    const before = await settled(versions);
    await first.end('SIGINT');
    expect(first.output).toMatch(/Stopping…\nStopped\.\n$/);
    expect((await run('pgrep', ['-f', directory]).catch(() => ({ stdout: '' }))).stdout).toBe('');

    first = new Start(directory);
    await first.until('Ctrl-C stops everything', 60);
    await eventually(async () => {
      const endpoints = JSON.parse(await readFile(join(directory, 'endpoints.json'), 'utf8')) as Endpoints;
      for (const device of endpoints.devices) expect((await fetch(`${device.url}/v2/health/ready`)).status).toBe(200);
    }, 30);
    // For longer than an agent waits for its models before it says that they do not come up.
    for (const end = performance.now() + 25_000; performance.now() < end; ) expect(await versions()).toEqual(before);
    expect(await kubectl(`api-resources --api-group ${group}`)).toContain(`${group}/${version}`);
  });
});
