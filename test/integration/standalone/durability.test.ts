import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ConfigMap, configMaps } from '../../../kube/api/builtins.ts';
import type { Connection } from '../../../kube/api/connection.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import { listAll } from '../../../kube/cache/list-pager.ts';

const signal = AbortSignal.timeout(60_000);

describe('a control plane that is killed while it writes', () => {
  let directory: string;
  let running: ChildProcess | undefined;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'jouleops-killed-'));
  });
  afterEach(async () => {
    running?.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });

  it('has every acknowledged write when it starts again, and nothing that was never asked for', async () => {
    const acknowledged = new Map<string, string>();
    const attempted = new Map<string, Set<string>>();
    for (let round = 0; round < 8; round += 1) {
      const connection = await start();
      await expectEverything(connection, acknowledged, attempted);
      const killed = new AbortController();
      const writers = Array.from({ length: 8 }, (_, writer) => {
        return write(connection, `r${round}-w${writer}`, acknowledged, attempted, killed.signal);
      });
      await delay(100 + Math.random() * 400);
      running?.kill('SIGKILL');
      if (running) await once(running, 'exit');
      killed.abort();
      await Promise.all(writers);
    }
    expect(acknowledged.size).toBeGreaterThan(20);
    await expectEverything(await start(), acknowledged, attempted);
  });

  async function start(): Promise<Connection> {
    const program = new URL('../../support/standalone-process.ts', import.meta.url).pathname;
    running = spawn(process.execPath, [program, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (!running.stdout) throw new Error('the process has no output');
    const [line] = await once(createInterface(running.stdout), 'line');
    return JSON.parse(String(line)) as Connection;
  }
});

type Values = Map<string, string>;

/** Creates objects and updates each twice, until the server is gone. */
async function write(
  connection: Connection,
  prefix: string,
  acknowledged: Values,
  attempted: Map<string, Set<string>>,
  signal: AbortSignal,
): Promise<void> {
  const client = createClient(connection);
  const attempt = (name: string, value: string) => attempted.set(name, (attempted.get(name) ?? new Set()).add(value));
  try {
    for (let count = 0; ; count += 1) {
      const name = `${prefix}-${count}`;
      const object: ConfigMap = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace: 'default' },
        data: { value: '0' },
      };
      attempt(name, '0');
      await client.create(configMaps, object, { signal });
      acknowledged.set(name, '0');
      for (const value of ['1', '2']) {
        attempt(name, value);
        await client.patch(configMaps, { namespace: 'default', name }, { kind: 'merge', body: { data: { value } } }, { signal });
        acknowledged.set(name, value);
      }
    }
  } catch {
    // The server was killed: what it had answered until then is what counts.
  } finally {
    await client.close();
  }
}

async function expectEverything(
  connection: Connection,
  acknowledged: Values,
  attempted: Map<string, Set<string>>,
): Promise<void> {
  const client = createClient(connection);
  const { items } = await listAll(client, configMaps, { signal, namespace: 'default' });
  await client.close();
  const found = new Map(items.map((item) => [item.metadata.name, item.data?.['value'] ?? '']));
  for (const [name, value] of acknowledged) expect(Number(found.get(name)), name).toBeGreaterThanOrEqual(Number(value));
  for (const [name, value] of found) expect(attempted.get(name)?.has(value), `${name} = ${value}`).toBe(true);
}
