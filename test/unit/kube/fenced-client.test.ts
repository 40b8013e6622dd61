import { expect, test } from 'vitest';
import { type ConfigMap, configMaps } from '../../../kube/api/builtins.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import { fenceWrites, NotLeadingError } from '../../../kube/election/fenced-client.ts';

const key = { namespace: 'a', name: 'b' };
const object: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: key };
const options = { signal: new AbortController().signal, fieldManager: 'test' };

/** A client of no server: each call that leaves is counted and fails. */
function world(mayWrite: () => boolean) {
  const calls: string[] = [];
  const client = createClient({ server: 'http://127.0.0.1:1' }, { onCall: ({ method }) => calls.push(method) });
  return { calls, fenced: fenceWrites(client, mayWrite), soon: () => ({ ...options, signal: AbortSignal.timeout(50) }) };
}

test('without the lead no kind of write leaves the process', async () => {
  const { calls, fenced } = world(() => false);
  const writes = [
    fenced.create(configMaps, object, options),
    fenced.replace(configMaps, object, options),
    fenced.apply(configMaps, object, options),
    fenced.applyStatus(configMaps, object, options),
    fenced.patch(configMaps, key, { kind: 'merge', body: {} }, options),
    fenced.delete(configMaps, key, options),
  ];
  for (const outcome of await Promise.allSettled(writes)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(NotLeadingError) });
  }
  expect(calls).toEqual([]);
});

test('reads leave it all the same, and writes as long as it leads', async () => {
  let leads = true;
  const { calls, fenced, soon } = world(() => leads);
  await expect(fenced.apply(configMaps, object, soon())).rejects.not.toBeInstanceOf(NotLeadingError);
  leads = false;
  await expect(fenced.get(configMaps, key, soon())).rejects.not.toBeInstanceOf(NotLeadingError);
  expect(new Set(calls)).toEqual(new Set(['PATCH', 'GET']));
});
