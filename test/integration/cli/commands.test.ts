// What every command shares: help, versions, formats, exit codes.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jouleops } from '../../support/cli.ts';
import { startTestServer, type TestServer } from '../../support/standalone.ts';

describe('every command', () => {
  it.each([
    ['up', '--simulate'],
    ['controller', '--model-store'],
    ['agent', '--join-token-file'],
    ['device', 'reset'],
    ['device token', '--valid'],
    ['device reset', '<name>'],
    ['predict', '--boundary'],
    ['status', '--kubeconfig'],
    ['version', '--output'],
  ])('%s --help says what it takes and exits with 0', async (command, option) => {
    const { code, stdout, stderr } = await jouleops([...command.split(' '), '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Usage: jouleops ${command}`);
    expect(stdout).toContain(option);
  });

  it('--help lists all of them with the exit codes', async () => {
    const { code, stdout } = await jouleops(['--help']);
    expect(code).toBe(0);
    for (const command of ['up', 'controller', 'agent', 'device', 'predict', 'status', 'version'])
      expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
    expect(stdout).toMatch(/Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the answer is no/);
  });

  it('version is a line for people and an object for scripts', async () => {
    const [line, json] = await Promise.all([jouleops(['version']), jouleops(['version', '--output', 'json'])]);
    expect(line).toMatchObject({ code: 0, stdout: expect.stringMatching(/^jouleops \d+\.\d+\.\d+ \(.*Node 24/) as string });
    expect(JSON.parse(json.stdout)).toMatchObject({ api: 'jouleops.dev/v1alpha1', node: process.versions.node });
  });

  it.each([
    [['xyzzy'], /unknown command 'xyzzy'\n {2}next: .*--help/],
    [['version', '--output', 'yaml'], /--output yaml is not known\n {2}next: use one of: table, json/],
    [['status', '--output', 'yaml'], /--output yaml is not known\n {2}next: use one of: table, json/],
    [['agent'], /required option '--name <name>' not specified\n {2}next: .*--help/],
  ])('%j is wrong usage: 2', async (args, says) => {
    const answer = await jouleops(args);
    expect(answer).toMatchObject({ code: 2, stdout: '' });
    expect(answer.stderr).toMatch(says);
  });
});

describe('jouleops status', () => {
  let directory: string;
  let server: TestServer;
  const at = (name: string) => path.join(directory, name);
  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-status-'));
    server = await startTestServer();
    await writeFile(at('kubeconfig'), server.server.kubeconfig(), { mode: 0o600 });
    await writeFile(at('empty'), '');
    await writeFile(at('damaged'), 'clusters: [');
    await writeFile(at('gone'), server.server.kubeconfig().replace(/https:\/\/127\.0\.0\.1:\d+/, 'https://127.0.0.1:9'));
  });
  afterAll(async () => {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('shows an empty fleet as one', async () => {
    const answer = await jouleops(['status', '--kubeconfig', at('kubeconfig'), '--output', 'json']);
    expect(answer, answer.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(answer.stdout)).toEqual({ deployments: [], devices: [] });
  });

  it.each([
    ['missing', 'none', /--kubeconfig .*none: there is no such file\n {2}next: start "jouleops up"/],
    ['empty', 'empty', /kubeconfig .*empty is empty\n {2}next: /],
    ['damaged', 'damaged', /kubeconfig .*damaged is not YAML.*\n {2}next: /],
    ['of a server that is gone', 'gone', /https:\/\/127\.0\.0\.1:9.*\n {2}next: .*jouleops up/],
  ])('with a kubeconfig that is %s says so', async (_, file, says) => {
    const answer = await jouleops(['status', '--kubeconfig', at(file)]);
    expect(answer, answer.stderr).toMatchObject({ code: 1, stdout: '' });
    expect(answer.stderr).toMatch(says);
  });
});
