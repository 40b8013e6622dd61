// What one watch event does to a store. Duplicates, late events and the deletion of an earlier namesake do nothing.
import type { KubeObject, Stored } from '../api/objects.ts';
import { keyOf } from '../api/resource.ts';
import type { Change } from './change.ts';
import { isEarlier } from './resource-version.ts';
import type { Store } from './store.ts';
import type { Tombstones } from './tombstones.ts';

export function applyEvent<T extends KubeObject>(
  store: Store<T>,
  tombstones: Tombstones,
  event: { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: Stored<T> },
): Change<T>[] {
  const { object } = event;
  const known = store.get(keyOf(object));
  if (tombstones.covers(object)) return [];
  if (event.type === 'DELETED') {
    tombstones.add(object);
    return known?.metadata.uid === object.metadata.uid ? store.remove(keyOf(object)) : [];
  }
  if (known !== undefined && isEarlier(object.metadata.resourceVersion, known.metadata.resourceVersion)) return [];
  return store.has(object) ? [] : store.put(object);
}
