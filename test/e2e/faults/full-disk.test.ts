// A file system of a few MiB needs the rights to mount one; without them the store's own test with a page limit has to do.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiError } from '../../../kube/api/api-error.ts';
import { configMaps } from '../../../kube/api/builtins.ts';
import type { Client } from '../../../kube/api/client.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import { runCommand } from '../../support/clients/command.ts';
import { EmbeddedProcess } from '../../support/faults/target.ts';

const signal = AbortSignal.timeout(120_000);
const directory = await mkdtemp(join(tmpdir(), 'jouleops-small-disk-'));
const mounted = await runCommand('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', directory]);
if (mounted.code !== 0) {
  process.stderr.write(`\nSkipped: no small file system can be mounted: ${mounted.stderr.trim()}\n\n`);
  await rm(directory, { recursive: true });
}
const ballast = join(directory, 'ballast');

describe.skipIf(mounted.code !== 0)('the embedded server on a disk that fills up', () => {
  let server: EmbeddedProcess;
  let client: Client;
  const acknowledged = new Map<string, string>();

  beforeAll(async () => {
    await writeFile(ballast, Buffer.alloc(4 << 20));
    await mkdir(join(directory, 'data'));
    server = await EmbeddedProcess.start(join(directory, 'data'));
    client = createClient(server.admin);
  });
  afterAll(async () => {
    await client.close();
    await server.close();
    await runCommand('umount', [directory]);
    await rm(directory, { recursive: true, force: true });
  });

  /** Until the server refuses; answers why. */
  async function fill(prefix: string): Promise<Error> {
    for (let count = 0; ; count += 1) {
      const name = `${prefix}-${count}`;
      const data = { v: `${name} ${'x'.repeat(200_000)}` };
      try {
        await client.apply(configMaps, { metadata: { namespace: 'default', name }, data }, { fieldManager: 'test', signal });
        acknowledged.set(name, data.v);
      } catch (error) {
        return error instanceof Error ? error : new Error(String(error));
      }
    }
  }

  async function stored(): Promise<Map<string, string | undefined>> {
    const { items } = await client.list(configMaps, { namespace: 'default', signal });
    return new Map(items.map(({ metadata, data }) => [metadata.name, data?.['v']]));
  }

  async function expectEverything(): Promise<void> {
    const found = await stored();
    for (const [name, value] of acknowledged) expect(found.get(name) === value, name).toBe(true);
  }

  test('says that it is full, and what to do; what it has can be read', async () => {
    const error = await fill('one');
    if (!(error instanceof ApiError)) throw error;
    expect(error.status).toBeGreaterThanOrEqual(500);
    expect(error.message).toMatch(/disk is full.*Free space/s);
    expect(acknowledged.size).toBeGreaterThan(5);
    await expectEverything();
    expect(await client.raw('GET', '/livez', { signal })).toBe('ok');
  });

  test('killed on the full disk, it starts again with every acknowledged write', async () => {
    await server.restart();
    await expectEverything();
  });

  test('takes writes again as soon as there is room, without a restart', async () => {
    await fill('two');
    await rm(ballast);
    const metadata = { namespace: 'default', name: 'after' };
    await client.apply(configMaps, { metadata, data: { v: 'room' } }, { fieldManager: 'test', signal });
    acknowledged.set('after', 'room');
    await expectEverything();
    await server.restart();
    await expectEverything();
  });
});
