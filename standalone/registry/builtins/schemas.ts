// Short names for the schemas that the built-in kinds are made of.
import type { StructuralSchema } from '../../schema/structural-schema.ts';

export const string: StructuralSchema = { type: 'string' };
export const integer: StructuralSchema = { type: 'integer' };
export const boolean: StructuralSchema = { type: 'boolean' };
export const time: StructuralSchema = { type: 'string', format: 'date-time' };
export const stringMap: StructuralSchema = { type: 'object', additionalProperties: string };

export function described(schema: StructuralSchema, description: string): StructuralSchema {
  return { ...schema, description };
}

export function object(properties: Record<string, StructuralSchema>, required: string[] = []): StructuralSchema {
  return { type: 'object', properties, ...(required.length === 0 ? {} : { required }) };
}

export function atomicList(items: StructuralSchema): StructuralSchema {
  return { type: 'array', items, 'x-kubernetes-list-type': 'atomic' };
}

export function mapList(items: StructuralSchema, keys: string[]): StructuralSchema {
  return { type: 'array', items, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys };
}

export const objectReference: StructuralSchema = {
  ...object({
    apiVersion: string,
    kind: string,
    name: string,
    namespace: string,
    uid: string,
    resourceVersion: string,
    fieldPath: string,
  }),
  'x-kubernetes-map-type': 'atomic',
};
