// What a fresh `jouleops up` shows to others: to other machines by its sockets, to other users by its files.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';

const entry = path.join(import.meta.dirname, '../../../cli/jouleops.ts');

// Sockets and children are read from /proc.
describe.skipIf(process.platform !== 'linux')('jouleops up with a device that serves', () => {
  let directory: string;
  let up: ChildProcess;
  let said = '';
  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-exposure-'));
    const fleet = path.join(import.meta.dirname, '../../../manifests/examples');
    const args = [
      'up',
      '--data-dir',
      'data',
      '--port',
      '0',
      '--web-port',
      '0',
      '--simulate',
      'raspberry-pi-5=1',
      '--fleet',
      fleet,
    ];
    up = spawn(process.execPath, ['--no-warnings', entry, ...args], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [up.stdout, up.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    // The agent has joined, and has a process for a model that it serves.
    await eventually(async () => {
      expect(await readdir(path.join(directory, 'data'), { recursive: true }), said).toContainEqual(
        expect.stringMatching(/identity\.json$/),
      );
      const children = await childrenOf(up.pid ?? 0);
      expect((await Promise.all(children.map(childrenOf))).flat().length, said).toBeGreaterThan(0);
    }, 40);
  });
  afterAll(async () => {
    const ended = once(up, 'exit');
    up.kill('SIGTERM');
    await ended;
    await rm(directory, { recursive: true, force: true });
  });

  it('listens on loopback alone: API server, device port, web port and inference', async () => {
    const addresses = (await Promise.all((await familyOf(up.pid ?? 0)).map(listeningAddresses))).flat();
    expect(addresses.length).toBeGreaterThanOrEqual(4);
    expect(addresses.filter((address) => !address.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('keeps keys, identities, tokens and its database from other users', async () => {
    const entries = await readdir(path.join(directory, 'data'), { recursive: true, withFileTypes: true });
    const modes = await Promise.all(
      entries.map(async (found) => {
        const file = path.join(found.parentPath, found.name);
        return { file: path.relative(directory, file), found, mode: (await stat(file).catch(() => undefined))?.mode ?? 0 };
      }),
    );
    // Below a directory that only its owner may enter nothing needs a mode of its own; these have one all the same.
    expect((await stat(path.join(directory, 'data'))).mode & 0o077).toBe(0);
    const secret = /\.(key|pem|db|db-wal|db-shm)$|identity\.json$|kubeconfig$|token/;
    const secrets = modes.filter(({ file, found }) => found.isFile() && secret.test(file));
    expect(secrets.map(({ file }) => path.basename(file))).toEqual(
      expect.arrayContaining(['identity.json', 'kubeconfig', 'control-plane.db', 'ca.key']),
    );
    expect(secrets.filter(({ mode }) => mode & 0o077).map(({ file }) => file)).toEqual([]);
  });
});

/** The process and everything below it. */
async function familyOf(pid: number): Promise<number[]> {
  return [pid, ...(await Promise.all((await childrenOf(pid)).map(familyOf))).flat()];
}

async function childrenOf(pid: number): Promise<number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return list.split(' ').filter(Boolean).map(Number);
}

/** `address:port` of every TCP socket on which it waits for connections. */
async function listeningAddresses(pid: number): Promise<string[]> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const targets = await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
  const own = new Set(targets.map((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1]).filter(Boolean));
  const found: string[] = [];
  for (const table of ['tcp', 'tcp6']) {
    const rows = (await readFile(`/proc/${pid}/net/${table}`, 'utf8').catch(() => '')).split('\n').slice(1);
    for (const row of rows) {
      const [, local = '', , state, , , , , , inode = ''] = row.trim().split(/\s+/);
      if (state === '0A' && own.has(inode)) found.push(readAddress(local));
    }
  }
  return found;
}

/** `0100007F:1F90` of the kernel as `127.0.0.1:8080`; IPv6 stays as it is. */
function readAddress(local: string): string {
  const [address = '', port = ''] = local.split(':');
  const bytes = address.length === 8 ? (address.match(/../g) ?? []).toReversed().map((byte) => Number.parseInt(byte, 16)) : [];
  return `${bytes.length === 4 ? bytes.join('.') : address}:${Number.parseInt(port, 16)}`;
}
