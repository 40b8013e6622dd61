import type { KubeObject, Stored } from '../api/objects.ts';

/** What became different in a cache. `old` is what it held before: with `updated` always, with `deleted` the last known state. */
export interface Change<T extends KubeObject> {
  kind: 'added' | 'updated' | 'deleted';
  object: Stored<T>;
  old?: Stored<T>;
}
