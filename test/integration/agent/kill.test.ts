// A real process ended by a real kill -9, at operations on its disk that are spread over a swap. The enumeration of all of them is in power-cut.test.ts.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentOptions, AgentReadiness } from '../../../agent/options.ts';
import type { Slot } from '../../../crds/model-instance.ts';
import { eventually } from '../../support/eventually.ts';
import { classify, createWorld, type World } from './world.ts';

/** A start makes about fifty operations, the swap about sixty after them. */
const killedAt = [20, 45, 70, 90];

describe('a process that is killed', () => {
  let world: World;
  let next: Slot;
  const started: ChildProcess[] = [];
  const directoryOf = (label: string) => path.join(world.directory, label);

  beforeAll(async () => {
    world = await createWorld();
    const seed = spawnAgent('seed', { join: { kind: 'JoinToken', token: await world.joinToken() } });
    const { url } = await seed.ready;
    await world.assign('device-a', 'states', { active: await world.slot('classifier.onnx', 'r1') });
    await eventually(async () => expect((await classify(url, 'states')).body['model_version']).toBe('r1.0.0'), 20);
    await end(seed.child, 'SIGTERM');
    next = await world.slot('classifier-2.onnx', 'r2');
    await world.assign('device-a', 'states', { active: next });
  });
  afterAll(async () => {
    for (const child of started) child.kill('SIGKILL');
    await world[Symbol.asyncDispose]();
  });

  function spawnAgent(label: string, more: Partial<AgentOptions> = {}, killAt?: number) {
    const options = { name: 'device-a', dataDirectory: directoryOf(label), heartbeatSeconds: 1, ...more };
    const entry = fileURLToPath(new URL('./agent-process.ts', import.meta.url));
    const child = spawn(process.execPath, ['--no-warnings', entry, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...(killAt === undefined ? {} : { KILL_AT: String(killAt) }) },
    });
    started.push(child);
    const ready = once(child.stdout as NodeJS.ReadableStream, 'data').then(
      ([line]) => JSON.parse((line as Buffer).toString('utf8')) as AgentReadiness,
    );
    return { child, ready };
  }

  async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }

  it('at any of its operations starts again with the last model that served, or with its successor, without a network', async () => {
    for (const at of killedAt) {
      await cp(directoryOf('seed'), directoryOf(`killed-${at}`), { recursive: true });
      const { child } = spawnAgent(`killed-${at}`, {}, at);
      const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
      expect(signal, `operation ${at}`).toBe('SIGKILL');
    }
    await world.goDark();
    for (const at of killedAt) {
      const { child, ready } = spawnAgent(`killed-${at}`);
      const { url } = await ready;
      const { body } = await eventually(async () => {
        const answer = await classify(url, 'states');
        expect(answer.status).toBe(200);
        return answer;
      });
      expect(['r1.0.0', 'r2.0.0'], `operation ${at}`).toContain(body['model_version']);
      await end(child, 'SIGKILL');
    }
  });
});
