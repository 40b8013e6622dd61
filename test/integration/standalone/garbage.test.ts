import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isNotFound } from '../../../kube/api/api-error.ts';
import { type ConfigMap, configMaps, namespaces } from '../../../kube/api/builtins.ts';
import type { OwnerReference } from '../../../kube/api/objects.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestServer, type TestServer } from '../../support/standalone.ts';

const signal = AbortSignal.timeout(60_000);

describe('garbage collection', () => {
  let test: TestServer;
  beforeAll(async () => {
    test = await startTestServer();
  });
  afterAll(() => test.close());

  const key = (name: string) => ({ namespace: 'default', name });
  const read = (name: string) => test.client.get(configMaps, key(name), { signal });
  const gone = (name: string) => eventually(() => expect(read(name)).rejects.toSatisfy(isNotFound));
  async function create(name: string, owners: OwnerReference[] = [], finalizers: string[] = []): Promise<OwnerReference> {
    const metadata: ConfigMap['metadata'] = { name, namespace: 'default', ownerReferences: owners, finalizers };
    const { uid } = (await test.client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata }, { signal }))
      .metadata;
    return { apiVersion: 'v1', kind: 'ConfigMap', name, uid, blockOwnerDeletion: true };
  }

  it('deletes what an owner leaves behind, and what that leaves behind', async () => {
    const owner = await create('owner');
    const child = await create('child', [owner]);
    await create('grandchild', [child]);
    await create('bystander');
    await test.client.delete(configMaps, key('owner'), { signal });
    await gone('grandchild');
    await gone('child');
    await read('bystander');
  });

  it('keeps what still has another owner', async () => {
    const [first, second] = [await create('first'), await create('second')];
    await create('shared', [first, second]);
    const lonely = await create('lonely', [first]);
    await test.client.delete(configMaps, key('first'), { signal });
    await gone(lonely.name);
    await read('shared');
    await test.client.delete(configMaps, key('second'), { signal });
    await gone('shared');
  });

  it('deletes what is created for an owner that is gone, or that was another object of that name', async () => {
    const owner = await create('reborn');
    await test.client.delete(configMaps, key('reborn'), { signal });
    await create('reborn');
    await create('late', [owner]);
    await gone('late');
    await read('reborn');
  });

  it('keeps what names an owner of a kind that is not served here: nobody can say that it is gone', async () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', name: 'web-0', uid: 'e0f5a1de-4a3b-4d3e-8f51-1f0c5b1f7a10' };
    await create('of-a-pod', [pod]);
    const probe = await create('probe');
    await create('of-the-probe', [probe]);
    await test.client.delete(configMaps, key('probe'), { signal });
    await gone('of-the-probe');
    await read('of-a-pod');
  });

  it('leaves dependents alone when they are orphaned', async () => {
    const owner = await create('parent');
    await create('orphan', [owner]);
    await test.client.delete(configMaps, key('parent'), { propagationPolicy: 'Orphan', signal });
    await gone('parent');
    expect((await read('orphan')).metadata.ownerReferences).toBeUndefined();
  });

  it('deletes dependents first when asked to, and waits for their finalizers', async () => {
    const owner = await create('waiting');
    await create('slow', [owner], ['test.jouleops.dev/slow']);
    await test.client.delete(configMaps, key('waiting'), { propagationPolicy: 'Foreground', signal });
    await eventually(async () => expect((await read('slow')).metadata.deletionTimestamp).toBeDefined());
    expect((await read('waiting')).metadata).toMatchObject({
      finalizers: ['foregroundDeletion'],
      deletionTimestamp: expect.any(String),
    });
    await test.client.patch(configMaps, key('slow'), { kind: 'merge', body: { metadata: { finalizers: null } } }, { signal });
    await gone('slow');
    await gone('waiting');
  });

  it('empties a namespace before it goes, and lets nothing new in', async () => {
    const name = 'ending';
    await test.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { signal });
    const inside = (object: string, finalizers: string[]): ConfigMap => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: object, namespace: name, finalizers },
    });
    await test.client.create(configMaps, inside('plain', []), { signal });
    await test.client.create(configMaps, inside('held', ['test.jouleops.dev/held']), { signal });
    await test.client.delete(namespaces, { name }, { signal });
    const left = async () =>
      (await test.client.list(configMaps, { namespace: name, signal })).items.map(({ metadata }) => metadata.name);
    await eventually(async () => expect(await left()).toEqual(['held']));
    expect((await test.client.get(namespaces, { name }, { signal })).status).toEqual({ phase: 'Terminating' });
    const refused = { status: 403, details: { causes: [{ reason: 'NamespaceTerminating' }] } };
    await expect(test.client.create(configMaps, inside('late', []), { signal })).rejects.toMatchObject(refused);
    await test.client.patch(
      configMaps,
      { namespace: name, name: 'held' },
      { kind: 'merge', body: { metadata: { finalizers: null } } },
      { signal },
    );
    await eventually(() => expect(test.client.get(namespaces, { name }, { signal })).rejects.toSatisfy(isNotFound));
  });
});
