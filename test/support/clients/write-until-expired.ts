import { configMaps } from '../../../kube/api/builtins.ts';
import type { Client } from '../../../kube/api/client.ts';

/** Writes until a server that keeps few revisions no longer keeps the first ones. */
export async function writeUntilExpired(client: Client, writes = 60): Promise<void> {
  const signal = AbortSignal.timeout(30_000);
  const metadata = { namespace: 'default', name: 'written-often' };
  for (let count = 0; count < writes; count += 1) {
    await client.apply(configMaps, { metadata, data: { count: String(count) } }, { fieldManager: 'test', signal });
  }
}
