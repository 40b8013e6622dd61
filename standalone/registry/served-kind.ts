import type { JsonObject } from '../schema/json.ts';
import type { CompiledKind } from '../schema/kind.ts';
import type { Cause } from '../schema/structural-schema.ts';
import type { StorageKey } from '../storage/versions.ts';

export type KindSubresource = 'status' | 'approval';

/** A kind as one API path serves it. */
export interface ServedKind {
  readonly compiled: CompiledKind;
  /** Where its objects are stored. Two paths may serve the same objects in two shapes: Events do. */
  readonly storage: string;
  readonly subresources: readonly KindSubresource[];
  /** Kubernetes reads built-in kinds into Go types: wrong types are 400 and not 422, apiVersion and kind may be left out. */
  readonly builtIn: boolean;
  /** PUT without a resourceVersion is allowed: Kubernetes does so for most built-in kinds and not for custom resources. */
  readonly unconditionalUpdate: boolean;
  /** Between the stored shape and this path's; left out where they are the same. */
  readonly shape?: {
    fromStorage(object: JsonObject): JsonObject;
    toStorage(object: JsonObject): JsonObject;
  };
  /** What every object of this kind has even when it is not sent: structs that Go always writes. Nobody owns them. */
  readonly zero?: JsonObject;
  /** Which part of an update each path can write, where it is more than spec or status. */
  readonly isolate?: (next: JsonObject, live: JsonObject, subresource: KindSubresource | undefined, now: string) => JsonObject;
  /** What an update through a path is refused for, beyond the kind's own rules. */
  readonly changeCauses?: (next: JsonObject, live: JsonObject, subresource: KindSubresource | undefined) => Cause[];
  /** What the server fills in from the request when an object is created. */
  readonly onCreate?: (object: JsonObject, requester: { name: string; groups: readonly string[] }) => JsonObject;
  /** Paths of times that must have exactly six decimals (metav1.MicroTime). */
  readonly microTimes?: readonly (readonly string[])[];
  /** What the server rewrites on every write, such as a Secret's stringData. */
  readonly onWrite?: (object: JsonObject) => JsonObject;
}

export function storageKey(kind: ServedKind, namespace: string | undefined, name: string): StorageKey {
  return { resource: kind.storage, namespace: namespace ?? '', name };
}

/** `modeldeployments.jouleops.dev`, or `configmaps`: how messages name a resource. */
export function qualifiedResource(kind: ServedKind): string {
  const { plural, group } = kind.compiled.definition;
  return group === '' ? plural : `${plural}.${group}`;
}

export function qualifiedKind(kind: ServedKind): string {
  const { kind: name, group } = kind.compiled.definition;
  return group === '' ? name : `${name}.${group}`;
}
