import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { markdownReport } from '../../../cli/open-inference/report/markdown.ts';
import { cases, runSuite } from '../../../cli/open-inference/suite.ts';
import { assignAll } from '../../bench/harness/real-agent.ts';
import { eventually } from '../../support/eventually.ts';
import { echoModel } from '../../support/open-inference/echo-model.ts';
import { createWorld, type RunningAgent, type World } from '../agent/world.ts';

const run = promisify(execFile);
const root = path.join(import.meta.dirname, '../../..');
const signal = AbortSignal.timeout(100_000);

describe('the conformance suite of the Open Inference Protocol', () => {
  let world: World;
  let agent: RunningAgent;
  beforeAll(async () => {
    world = await createWorld();
    agent = await world.startAgent({ grpcPort: 0 });
    await world.assign('device-a', 'states', {
      active: await world.slot('classifier.onnx', 'r1', { classLabels: ['a', 'b', 'c'] }),
    });
    for (const [name, half] of [
      ['echo', false],
      ['half', true],
    ] as const) {
      const file = path.join(world.directory, `${name}.onnx`);
      await writeFile(file, echoModel(half));
      await world.assign('device-a', name, { active: await world.slot(file, 'r1') });
    }
    const names = ['states', 'echo', 'half'];
    await assignAll(world, 'device-a', names);
    for (const name of names)
      await eventually(async () => expect((await fetch(`${agent.url}/v2/models/${name}/ready`)).status).toBe(200));
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('finds nothing wrong with the agent, and skips only what a person must allow', async () => {
    const options = {
      url: agent.url,
      grpc: agent.readiness.grpc ?? '',
      models: [],
      mayUnload: false,
      timeoutMilliseconds: 30_000,
    };
    const report = await runSuite(options, signal);
    const others = report.results.filter(({ outcome }) => outcome !== 'passed');
    expect(others.map(({ id, outcome, message }) => ({ id, outcome, message }))).toEqual([
      { id: 'repository.unload-and-load', outcome: 'skipped', message: 'unloading was not allowed (--unload)' },
    ]);
    expect(report.results).toHaveLength(cases.length);
    expect(Object.fromEntries(report.models.map(({ name, echoes }) => [name, echoes]))).toEqual({ states: 0, echo: 12, half: 1 });
    expect(markdownReport([{ name: 'agent', report }])).toContain(
      `| agent | ${cases.length} | ${cases.length - 1} | 0 | 0 | 1 |`,
    );
  });

  it('names a case once', () => {
    expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
  });

  const jouleops = (...args: string[]) =>
    run(process.execPath, ['--no-warnings', 'cli/jouleops.ts', 'oip-conformance', ...args], { cwd: root }).then(
      ({ stdout }) => ({ code: 0, stdout, stderr: '' }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    );

  it('says on the command line what it found, and exits with 0', async () => {
    const { code, stdout } = await jouleops(agent.url, '--model', 'states', '--output', 'json');
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as {
      counts: { failed: number };
      results: { id: string; outcome: string; message?: string }[];
    };
    expect(report.counts.failed).toBe(0);
    expect(report.results.find(({ id }) => id === 'grpc.live')).toMatchObject({
      outcome: 'skipped',
      message: expect.stringContaining('--grpc') as string,
    });
  });

  it.each([
    ['an address that is none', ['states'], 2, 'is no http(s) URL'],
    ['a format that it has not', ['http://127.0.0.1:1', '--output', 'xml'], 2, 'use text, json, markdown'],
    ['a server that is not there', ['http://127.0.0.1:1'], 1, 'no server of the protocol answers'],
  ])('refuses %s', async (_, args, exit, message) => {
    expect(await jouleops(...args)).toMatchObject({ code: exit, stderr: expect.stringContaining(message) as string });
  });

  it('exits with 3 and names what a server takes that it should refuse, and with 1 where there is no model to ask', async () => {
    const tensor = { name: 'x', datatype: 'FP32', shape: [1] };
    const careless = createServer((request, response) => {
      request.resume();
      const { url = '' } = request;
      const body = url.endsWith('/infer')
        ? { model_name: 'm', outputs: [{ ...tensor, data: [1] }] }
        : url === '/v2'
          ? { name: 'careless', version: '1', extensions: [] }
          : { name: 'm', platform: 'none', inputs: [tensor], outputs: [tensor], live: true, ready: true };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => careless.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(careless.address() as AddressInfo).port}`;
    try {
      const { code, stdout, stderr } = await jouleops(url, '--model', 'm');
      expect(code).toBe(3);
      expect(stdout).toMatch(/FAIL {2}refuses fewer elements than the shape needs\n.*although the request is wrong/);
      expect(stdout).toMatch(/ok {4}GET \/v2\/health\/live answers 200/);
      expect(stderr).toMatch(/\d+ failed/);
      const none = await jouleops(url);
      expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('name it with --model') as string });
    } finally {
      careless.closeAllConnections();
      await new Promise((resolve) => careless.close(resolve));
    }
  });
});
