// The bundled agent, as a device runs it, asked over both protocols by the conformance suite.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentReadiness } from '../../../agent/options.ts';
import { runSuite } from '../../../cli/open-inference/suite.ts';
import { eventually } from '../../support/eventually.ts';
import { echoModel } from '../../support/open-inference/echo-model.ts';

const root = path.join(import.meta.dirname, '../../..');
const run = promisify(execFile);
const token = 'a token for scripts';

describe('the bundled agent', () => {
  let folder: string;
  let agent: ChildProcess;
  let files: Server;
  let readiness: AgentReadiness;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'jouleops-bundle-'));
    await run(process.execPath, ['--no-warnings', 'scripts/bundle.ts', path.join(folder, 'dist')], { cwd: root });
    // What the bundle does not hold: the runtime, which is native code.
    await mkdir(path.join(folder, 'node_modules'));
    for (const name of ['onnxruntime-node', 'onnxruntime-common'])
      await symlink(path.join(root, 'node_modules', name), path.join(folder, 'node_modules', name));
    files = createServer((_, response) => response.end(echoModel(false)));
    await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
    const host = `127.0.0.1:${(files.address() as AddressInfo).port}`;
    await writeFile(path.join(folder, 'token'), token);
    const data = path.join(folder, 'data');
    const flags = ['--name', 'board', '--data-dir', data, '--port', '0', '--grpc-port', '0', '--standalone'];
    const deploy = ['--deploy-token-file', path.join(folder, 'token'), '--deploy-host', host];
    agent = spawn(process.execPath, [path.join(folder, 'dist/agent/jouleops.js'), 'agent', ...flags, ...deploy], {
      stdio: 'ignore',
    });
    readiness = await eventually(async () => {
      expect(agent.exitCode).toBeNull();
      return JSON.parse(await readFile(path.join(data, 'agent.json'), 'utf8')) as AgentReadiness;
    }, 30);
    const answer = await fetch(`${readiness.url}/deploy`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ model_name: 'echo', model_url: `http://${host}/echo.onnx` }),
    });
    expect(answer.status, await answer.text()).toBe(200);
    await eventually(async () => expect((await fetch(`${readiness.url}/v2/models/echo/ready`)).status).toBe(200), 30);
  });
  afterAll(async () => {
    const ended = once(agent, 'exit');
    agent.kill('SIGTERM');
    await ended;
    await new Promise((resolve) => files.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });

  test('answers over HTTP and gRPC as the sources do', async () => {
    const suite = { url: readiness.url, grpc: readiness.grpc ?? '', models: [], mayUnload: false, timeoutMilliseconds: 30_000 };
    const { results, counts } = await runSuite(suite, AbortSignal.timeout(60_000));
    expect(results.filter(({ outcome }) => outcome === 'failed' || outcome === 'advice')).toEqual([]);
    expect(counts.passed).toBeGreaterThan(150);
    expect(results.filter(({ id, outcome }) => id.startsWith('grpc') && outcome === 'passed').length).toBeGreaterThan(40);
  });
});
