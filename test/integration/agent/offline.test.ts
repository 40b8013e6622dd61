import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentOptions, AgentReadiness } from '../../../agent/options.ts';
import { edgeDevices, modelInstances } from '../../../crds/resources.ts';
import { eventually } from '../../support/eventually.ts';
import { classify, createWorld, namespace, type World } from './world.ts';

const never = new AbortController().signal;

describe('an agent without its servers', () => {
  let world: World;
  let options: AgentOptions;
  const started: ChildProcess[] = [];
  beforeAll(async () => {
    world = await createWorld();
    options = {
      name: 'device-a',
      dataDirectory: path.join(world.directory, 'device-a'),
      heartbeatSeconds: 1,
      windowSeconds: 0.3,
    };
  });
  afterAll(async () => {
    for (const child of started) child.kill('SIGKILL');
    await world[Symbol.asyncDispose]();
  });

  async function start(more: Partial<AgentOptions> = {}): Promise<{ child: ChildProcess; url: string }> {
    const entry = fileURLToPath(new URL('./agent-process.ts', import.meta.url));
    const child = spawn(process.execPath, ['--no-warnings', entry, JSON.stringify({ ...options, ...more })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    started.push(child);
    const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    return { child, url: (JSON.parse(line.toString('utf8')) as AgentReadiness).url };
  }

  it('keeps serving when its objects are gone, and says nothing is to be stopped', async () => {
    const { child, url } = await start({ join: { kind: 'JoinToken', token: await world.joinToken() } });
    await eventually(async () => void (await world.device('device-a')));
    await world.assign('device-a', 'states', { active: await world.slot('classifier.onnx', 'r1') });
    await eventually(async () => expect((await classify(url, 'states')).status).toBe(200));
    await world.client.delete(modelInstances, { namespace, name: 'states' }, { signal: never });
    await world.client.delete(edgeDevices, { name: 'device-a' }, { signal: never });
    await eventually(async () => expect((await fetch(`${url}/livez`)).status).toBe(200));
    for (let request = 0; request < 50; request++) expect((await classify(url, 'states')).status).toBe(200);
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  });

  it('serves the last model after kill -9, with no server to reach', async () => {
    await world.goDark();
    const { url } = await start();
    await eventually(async () => expect((await classify(url, 'states')).status).toBe(200));
  });

  it('refuses to share its data directory with a second agent', async () => {
    const entry = fileURLToPath(new URL('./agent-process.ts', import.meta.url));
    const child = spawn(process.execPath, ['--no-warnings', entry, JSON.stringify(options)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    started.push(child);
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk.toString('utf8');
    });
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).not.toBe(0);
    expect(complaint).toContain('another agent runs on');
  });
});
