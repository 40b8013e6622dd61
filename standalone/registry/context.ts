import type { Clock } from '../../kube/runtime/clock.ts';
import type { User } from '../auth/user.ts';
import type { JsonObject } from '../schema/json.ts';
import type { ObjectStore, Reader } from '../storage/object-store.ts';
import type { Registry } from './registry.ts';
import { type ServedKind, storageKey } from './served-kind.ts';

/** What every operation on objects needs. */
export interface RegistryContext {
  readonly registry: Registry;
  readonly store: ObjectStore;
  readonly clock: Clock;
}

/** One write as the router understood it. */
export interface Target {
  readonly kind: ServedKind;
  readonly namespace: string | undefined;
  readonly user: User;
}

export interface NamedTarget extends Target {
  readonly name: string;
  /** Throws 403 where the stored object, or what would be stored, decides whether this user may write it. */
  readonly admit?: (stored: JsonObject | undefined, next?: JsonObject) => void;
}

/** metav1.Time: seconds, UTC. */
export function timestamp(clock: Clock): string {
  return `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
}

export function readServed(
  reader: Reader,
  target: { kind: ServedKind; namespace: string | undefined },
  name: string,
): JsonObject | undefined {
  const stored = reader.read(storageKey(target.kind, target.namespace, name));
  return stored && target.kind.shape ? target.kind.shape.fromStorage(stored) : stored;
}

export function toStorage(kind: ServedKind, object: JsonObject): JsonObject {
  return kind.shape ? kind.shape.toStorage(object) : object;
}

export function fromStorage(kind: ServedKind, object: JsonObject): JsonObject {
  return kind.shape ? kind.shape.fromStorage(object) : object;
}
