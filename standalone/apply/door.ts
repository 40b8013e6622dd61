// What a write can own, by the path it came in.
import type { CompiledKind, Subresource } from '../schema/kind.ts';
import { difference, emptySet, type FieldSet, setOf } from './fields/field-set.ts';
import { mergeTypeOf } from './fields/merge-type.ts';
import type { ManagerEntry } from './managers.ts';
import type { Door } from './ownership.ts';

export function doorOf(kind: CompiledKind, subresource: Subresource | undefined): Door {
  return { type: mergeTypeOf(kind.schema), resetFields: resetFields(kind, subresource) };
}

/** Fields that a write through this door cannot change, so nobody owns them through it. */
function resetFields(kind: CompiledKind, subresource: Subresource | undefined): FieldSet {
  if (subresource !== undefined) return setOf(['f:metadata'], ['f:spec']);
  return kind.definition.statusSubresource ? setOf(['f:status']) : emptySet();
}

const identity = setOf(
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ...[
    'name',
    'namespace',
    'creationTimestamp',
    'selfLink',
    'uid',
    'clusterName',
    'generation',
    'managedFields',
    'resourceVersion',
  ].map((name) => ['f:metadata', `f:${name}`]),
);

/** Identity and what the server writes itself are never owned. */
export function withoutIdentity(fields: FieldSet): FieldSet {
  return difference(fields, identity);
}

/** Managers at a version that is no longer served own nothing. */
export function atServedVersion(entries: ReadonlyMap<string, ManagerEntry>, apiVersion: string): Map<string, ManagerEntry> {
  return new Map([...entries].filter(([, entry]) => entry.apiVersion === apiVersion));
}
