// A device that was stopped and started again has nothing new to say, and has forgotten nothing that it measured.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentOptions, AgentReadiness } from '../../../agent/options.ts';
import { devicesNamespace } from '../../../crds/names.ts';
import { leases } from '../../../kube/api/builtins.ts';
import { eventually } from '../../support/eventually.ts';
import { classify, createWorld, type World } from './world.ts';

const never = new AbortController().signal;
const budget = { energyPerInference: '50mJ', boundary: 'Board' as const };

describe('an agent that is started again', () => {
  let world: World;
  let options: AgentOptions;
  let child: ChildProcess;
  let url: string;
  beforeAll(async () => {
    world = await createWorld();
    options = {
      name: 'pi5-a',
      dataDirectory: path.join(world.directory, 'pi5-a'),
      simulate: 'raspberry-pi-5',
      join: { kind: 'JoinToken', token: await world.joinToken() },
      heartbeatSeconds: 1,
      windowSeconds: 0.3,
    };
    await start();
    // Its address is part of its status: the next start must find the same port.
    options = { ...options, port: Number(new URL(url).port) };
    await eventually(async () => void (await world.device('pi5-a')));
    const golden = await world.addArtifact(Buffer.from(`${JSON.stringify(goldenSample)}\n`));
    const goldenSet = { ...golden, metric: 'Accuracy' as const, minimumPermille: 0 };
    const active = await world.slot('classifier.onnx', 'r1', { budget, goldenSet });
    await world.assign('pi5-a', 'machine-state', { active, energyTest: { id: 't1', kind: 'Absolute', windows: 6 } });
    await eventually(async () => {
      expect((await world.instance('machine-state')).status?.tests?.[0]?.state).toBe('Completed');
      const idle = (await world.device('pi5-a')).status?.idlePower;
      expect(idle?.map((reading) => reading.boundary)).toContain('Board');
    }, 40);
  }, 90_000);
  afterAll(async () => {
    child.kill('SIGKILL');
    await world[Symbol.asyncDispose]();
  });

  async function start(): Promise<void> {
    const entry = fileURLToPath(new URL('./agent-process.ts', import.meta.url));
    child = spawn(process.execPath, ['--no-warnings', entry, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    url = (JSON.parse(line.toString('utf8')) as AgentReadiness).url;
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }

  const statuses = async () => ({
    device: await world.device('pi5-a'),
    instance: await world.instance('machine-state'),
  });
  const renewal = async () =>
    (await world.client.get(leases, { namespace: devicesNamespace, name: 'pi5-a' }, { signal: never })).spec?.renewTime;

  /** Three heartbeats of the new process: it has watched, read and looked at its statuses long since. */
  async function settle(): Promise<void> {
    for (let beat = 0; beat < 3; beat++) {
      const last = await renewal();
      await eventually(async () => expect(await renewal()).not.toBe(last), 20);
    }
  }

  it.each(['SIGTERM', 'SIGKILL'] as const)('after %s writes nothing that is already so, and answers', async (signal) => {
    await settle();
    const before = await statuses();
    await end(signal);
    await start();
    await eventually(async () => expect((await classify(url, 'machine-state')).status).toBe(200));
    await settle();
    const after = await statuses();
    expect(after).toEqual(before);
    expect(after.instance.status?.revisions?.[0]).toMatchObject({
      phase: 'Serving',
      golden: { samples: 1 },
      energy: { attribution: 'Controlled' },
    });
  });

  it('goes on counting where it was stopped', async () => {
    const counted = async () => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return Number(/^jouleops_energy_today_joules\{of="simulated:board"\} (\S+)$/m.exec(text)?.[1]);
    };
    await eventually(async () => expect(await counted()).toBeGreaterThan(0));
    const before = await counted();
    await end('SIGTERM');
    await start();
    expect(await counted()).toBeGreaterThanOrEqual(before);
  });

  it('says so when what served does not come up again', async () => {
    await end('SIGKILL');
    options = { ...options, memoryLimitBytes: 1 };
    await start();
    await eventually(async () => {
      const { status } = await world.instance('machine-state');
      expect(status?.phase).toBe('Failed');
      expect(status?.revisions?.[0]?.reason).toBe('InsufficientMemory');
    }, 15);
  });
});

const goldenSample = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }], outputs: [], label: 0 };
