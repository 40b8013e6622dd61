// What stands in the way of `jouleops up`, `controller` and `agent`, and what they say about it.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namespaces } from '../../../kube/api/builtins.ts';
import { jouleops } from '../../support/cli.ts';
import { startTestServer } from '../../support/standalone.ts';

const signal = AbortSignal.timeout(120_000);
const rawError = /\n\s+at |E[A-Z]{4,}:/;

describe('jouleops up', () => {
  let directory: string;
  let taken: Server;
  let port: string;
  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-up-'));
    await writeFile(path.join(directory, 'file'), '');
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    port = String((taken.address() as AddressInfo).port);
  });
  afterAll(async () => {
    await new Promise((resolve) => taken.close(resolve));
    await rm(directory, { recursive: true, force: true });
  });

  const unwritable = [
    ['below a file', 'file/below', /a part of .*file\/below is a file/],
    ['that is a file', 'file', /is a file/],
    ['where the system makes none', '/proc/jouleops', /no (directory can be made at|permission for) \/proc\/jouleops/],
  ] as const;
  it.each(unwritable)('a data directory %s: every command says so and ends', async (_, dataDirectory, says) => {
    const commands = [['up', '--port', '0', '--web-port', '0'], ['agent', '--name', 'a'], ['controller']];
    for (const command of commands) {
      const answer = await jouleops([...command, '--data-dir', dataDirectory], { cwd: directory, limitSeconds: 10 });
      expect(answer.code, answer.stderr).toBe(1);
      expect(answer.stderr).toMatch(/^jouleops: --data-dir .* cannot be written: /);
      expect(answer.stderr).toMatch(says);
      expect(answer.stderr).toContain('next: name a directory that you may write');
      expect(answer.stderr).not.toMatch(rawError);
    }
  });

  it.each([
    ['a port that is none', ['up', '--port', 'x'], /--port x is not a port\n {2}next: use a number from 0 to 65535/],
    ['a web port that is none', ['up', '--web-port', '70000'], /--web-port 70000 is not a port\n {2}next: /],
    ['boards without a number', ['up', '--simulate', 'raspberry-pi-5'], /is not CLASS=COUNT\n {2}next: write for example/],
    ['an unknown board', ['up', '--simulate', 'toaster=1'], /--simulate toaster: .*\n {2}next: use one of: raspberry-pi-5,/],
    [
      'an unknown board for an agent',
      ['agent', '--name', 'a', '--data-dir', 'd', '--simulate', 'toaster'],
      /--simulate toaster: .*\n {2}next: use one of:/,
    ],
    [
      'a fleet that is not there',
      ['up', '--fleet', 'nowhere'],
      /--fleet nowhere: there is no such directory\n {2}next: name a directory/,
    ],
    ['an unknown flag', ['up', '--colour'], /unknown option '--colour'\n {2}next: .*--help/],
  ])('%s: wrong usage, and nothing is started', async (_, args, says) => {
    const answer = await jouleops(args, { cwd: directory });
    expect(answer, answer.stderr).toMatchObject({ code: 2, stdout: '' });
    expect(answer.stderr).toMatch(says);
    expect(existsSync(path.join(directory, '.jouleops'))).toBe(false);
  });

  it.each([
    ['a web port that is none', ['--web-port', 'x'], 2, /--web-port x is not a port\n {2}next: /],
    ['an authority that is not there', ['--api-server-ca', 'nowhere.pem'], 1, /--api-server-ca nowhere\.pem .*\n {2}next: /],
  ])('controller with %s: says so before it asks any server', async (_, flags, code, says) => {
    const answer = await jouleops(['controller', ...flags], { cwd: directory });
    expect(answer.code, answer.stderr).toBe(code);
    expect(answer.stderr).toMatch(says);
  });

  it.each([
    ['the API port', '--port', '--web-port'],
    ['the web port', '--web-port', '--port'],
  ])('%s in use: names it, and leaves nothing running', async (_, busy, free) => {
    const answer = await jouleops(['up', '--data-dir', 'busy', busy, port, free, '0'], { cwd: directory });
    expect(answer.code, answer.stderr).toBe(1);
    expect(answer.stderr).toMatch(new RegExp(`${port}.* in use`));
    expect(answer.stderr).toMatch(/choose another|next: /);
    expect(answer.stderr).not.toMatch(rawError);
  });

  it('a second one on the same directory: is refused, and the first goes on', async () => {
    const dataDirectory = path.join(directory, 'shared');
    await mkdir(dataDirectory);
    const first = await startTestServer({ dataDirectory: path.join(dataDirectory, 'control-plane') });
    try {
      const answer = await jouleops(['up', '--data-dir', dataDirectory, '--port', '0', '--web-port', '0'], { cwd: directory });
      expect(answer.code).toBe(1);
      expect(answer.stderr).toMatch(
        /another Jouleops control plane is already using the data directory .*shared.*\n {2}next: .*--data-dir/,
      );
      expect(existsSync(path.join(dataDirectory, 'kubeconfig'))).toBe(false);
      expect((await first.client.list(namespaces, { signal })).items).toHaveLength(4);
    } finally {
      await first.close();
    }
  });
});
