import { beforeEach, expect, test } from 'vitest';
import type { ConfigMap } from '../../../kube/api/builtins.ts';
import { Store } from '../../../kube/cache/store.ts';
import { Expectations } from '../../../kube/runtime/expectations.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { configMap } from '../../support/scripted-server.ts';

let clock: FakeClock;
let store: Store<ConfigMap>;
let expectations: Expectations<ConfigMap>;

beforeEach(() => {
  clock = new FakeClock();
  store = new Store();
  expectations = new Expectations({ store, clock });
});

test('a key of which nothing is expected is satisfied', () => {
  expect(expectations.satisfied('a/owner')).toBe(true);
});

test('a create counts once the cache shows the object, also when it did before the answer came', () => {
  expectations.expectWrite('a/owner', configMap('child', '7'));
  expect(expectations.satisfied('a/owner')).toBe(false);
  expect(expectations.satisfied('a/other')).toBe(true);
  store.put(configMap('child', '7'));
  expect(expectations.satisfied('a/owner')).toBe(true);
  expectations.expectWrite('a/owner', configMap('child', '7'));
  expect(expectations.satisfied('a/owner')).toBe(true);
});

test('an update counts from its version on, whoever wrote later', () => {
  store.put(configMap('child', '7'));
  expectations.expectWrite('a/owner', configMap('child', '9'));
  expect(expectations.satisfied('a/owner')).toBe(false);
  store.put(configMap('child', '8'));
  expect(expectations.satisfied('a/owner')).toBe(false);
  store.put(configMap('child', '12'));
  expect(expectations.satisfied('a/owner')).toBe(true);
});

test('a predecessor under the same name is not what was written, a successor is past it', () => {
  store.put(configMap('child', '5', 'predecessor'));
  expectations.expectWrite('a/owner', configMap('child', '7', 'ours'));
  expect(expectations.satisfied('a/owner')).toBe(false);
  store.put(configMap('child', '9', 'successor'));
  expect(expectations.satisfied('a/owner')).toBe(true);
});

test('all writes of a key must be seen', () => {
  expectations.expectWrite('a/owner', configMap('one', '1'));
  expectations.expectWrite('a/owner', configMap('two', '2'));
  store.put(configMap('two', '2'));
  expect(expectations.satisfied('a/owner')).toBe(false);
  store.put(configMap('one', '1'));
  expect(expectations.satisfied('a/owner')).toBe(true);
});

test('a deletion counts when the object is gone, or another has its name', () => {
  const child = configMap('child', '7', 'first');
  store.put(child);
  expectations.expectDeletion('a/owner', child);
  expect(expectations.satisfied('a/owner')).toBe(false);
  store.put(configMap('child', '8', 'first')); // a finalizer holds it
  expect(expectations.satisfied('a/owner')).toBe(false);
  store.put(configMap('child', '9', 'second'));
  expect(expectations.satisfied('a/owner')).toBe(true);
});

test('a deletion right after a write of the same object replaces what was expected', () => {
  const child = configMap('child', '7');
  expectations.expectWrite('a/owner', child);
  expectations.expectDeletion('a/owner', child);
  expect(expectations.satisfied('a/owner')).toBe(true);
});

test('what the cache never shows stops mattering after half a minute', async () => {
  expectations.expectWrite('a/owner', configMap('child', '7'));
  await clock.advance(29_999);
  expect(expectations.satisfied('a/owner')).toBe(false);
  await clock.advance(1);
  expect(expectations.satisfied('a/owner')).toBe(true);
});

test('an owner that is gone expects nothing', () => {
  expectations.expectWrite('a/owner', configMap('child', '7'));
  expectations.forget('a/owner');
  expect(expectations.satisfied('a/owner')).toBe(true);
});

test('what was deleted again before anybody looked counts as soon as the cache has come past its version', () => {
  expectations.expectWrite('a/owner', configMap('child', '7'));
  store.put(configMap('child', '7'));
  store.remove('a/child');
  expect(expectations.satisfied('a/owner')).toBe(false);
  store.reach('6');
  expect(expectations.satisfied('a/owner')).toBe(false);
  store.reach('8'); // the version of the deletion, of any later event, a bookmark or a list
  expect(expectations.satisfied('a/owner')).toBe(true);
});

test('versions that cannot be compared prove nothing', () => {
  expectations.expectWrite('a/owner', configMap('child', 'x7'));
  store.reach('x8');
  expect(expectations.satisfied('a/owner')).toBe(false);
  store.reach('x7');
  expect(expectations.satisfied('a/owner')).toBe(true);
});
