import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ConfigMap } from '../../../kube/api/builtins.ts';
import type { Stored } from '../../../kube/api/objects.ts';
import { keyOf } from '../../../kube/api/resource.ts';
import { Store } from '../../../kube/cache/store.ts';
import { configMap } from '../../support/scripted-server.ts';

const byOwner = { owner: (object: Stored<ConfigMap>) => Object.keys(object.data ?? {}) };
const owned = (name: string, version: string, owners: string[], uid = `uid-${name}`): Stored<ConfigMap> => ({
  ...configMap(name, version, uid),
  data: Object.fromEntries(owners.map((owner) => [owner, ''])),
});

test('finds objects by key and by every value of an index', () => {
  const store = new Store(byOwner);
  store.put(owned('one', '1', ['x', 'y']));
  store.put(owned('two', '2', ['y']));
  expect(store.get('a/one')?.metadata.resourceVersion).toBe('1');
  expect(store.byIndex('owner', 'y').map(keyOf)).toEqual(['a/one', 'a/two']);
  store.put(owned('one', '3', ['x']));
  expect(store.byIndex('owner', 'y').map(keyOf)).toEqual(['a/two']);
  store.remove('a/two');
  expect([store.byIndex('owner', 'y'), store.size]).toEqual([[], 1]);
});

test('reads an index in the order of keys, as far as it must', () => {
  const store = new Store(byOwner);
  for (const name of ['three', 'one', 'two']) store.put(owned(name, '1', ['x']));
  expect(store.byIndex('owner', 'x').map(keyOf)).toEqual(['a/one', 'a/three', 'a/two']);
  const seen: string[] = [];
  const found = store.findByIndex('owner', 'x', (object) => seen.push(object.metadata.name) === 2);
  expect([found?.metadata.name, seen]).toEqual(['three', ['one', 'three']]);
  expect([store.findByIndex('owner', 'x', () => false), store.findByIndex('owner', 'y', () => true)]).toEqual([
    undefined,
    undefined,
  ]);
  expect(store.indexValues('owner')).toEqual(['x']);
});

test('an index that does not exist is a mistake that names those that do', () => {
  expect(() => new Store(byOwner).byIndex('node', 'x')).toThrow('no index node; this store has owner');
});

test('says what each write changed; another uid is another object', () => {
  const store = new Store<ConfigMap>();
  const [first, second, other] = [configMap('one', '1'), configMap('one', '2'), configMap('one', '3', 'other')];
  expect(store.put(first)).toEqual([{ kind: 'added', object: first }]);
  expect(store.put(second)).toEqual([{ kind: 'updated', object: second, old: first }]);
  expect(store.put(other)).toEqual([
    { kind: 'deleted', object: second, old: second },
    { kind: 'added', object: other },
  ]);
  expect(store.remove('a/one')).toEqual([{ kind: 'deleted', object: other, old: other }]);
  expect(store.remove('a/one')).toEqual([]);
});

test('is synced from the first complete list on, even an empty one', () => {
  const store = new Store<ConfigMap>();
  store.put(configMap('one', '1'));
  expect(store.synced).toBe(false);
  expect(store.replaceAll([])).toHaveLength(1);
  expect(store.synced).toBe(true);
});

test('the same list twice changes nothing and keeps the objects themselves', () => {
  const store = new Store<ConfigMap>();
  store.replaceAll([configMap('one', '1')]);
  const before = store.get('a/one');
  expect(store.replaceAll([configMap('one', '1')])).toEqual([]);
  expect(store.get('a/one')).toBe(before);
});

test('whatever was written, lists and indexes agree with a plain map', () => {
  const object = fc
    .tuple(fc.constantFrom('one', 'two', 'three'), fc.nat(9), fc.constantFrom('u1', 'u2'), fc.subarray(['x', 'y', 'z']))
    .map(([name, version, uid, owners]) => owned(name, String(version), owners, uid));
  const write = fc.oneof(
    fc.record({ kind: fc.constant('put' as const), object }),
    fc.record({ kind: fc.constant('remove' as const), object }),
    fc.record({ kind: fc.constant('replaceAll' as const), objects: fc.uniqueArray(object, { selector: keyOf }) }),
  );
  fc.assert(
    fc.property(fc.array(write, { maxLength: 30 }), (writes) => {
      const store = new Store(byOwner);
      /** What somebody who only hears changes believes. */
      const heard = new Map<string, Stored<ConfigMap>>();
      for (const call of writes) {
        const changes =
          call.kind === 'put'
            ? store.put(call.object)
            : call.kind === 'remove'
              ? store.remove(keyOf(call.object))
              : store.replaceAll(call.objects);
        for (const change of changes) {
          if (change.kind === 'deleted') expect(heard.delete(keyOf(change.object))).toBe(true);
          else {
            expect(heard.has(keyOf(change.object))).toBe(change.kind === 'updated');
            heard.set(keyOf(change.object), change.object);
          }
        }
      }
      expect(new Set(store.list())).toEqual(new Set(heard.values()));
      for (const owner of ['x', 'y', 'z']) {
        const expected = [...heard.values()].filter((held) => owner in (held.data ?? {}));
        expect(store.byIndex('owner', owner)).toEqual(expected.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)));
      }
    }),
  );
});
