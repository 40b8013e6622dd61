// Schemas as /openapi/v3 publishes them: for `kubectl explain` and for clients that validate before they send.
import type { JsonObject, JsonValue } from './json.ts';
import { isObject } from './json.ts';
import type { KindDefinition } from './kind.ts';
import { objectMetaSchema } from './metadata/object-meta.ts';
import type { StructuralSchema } from './structural-schema.ts';

const metaPackage = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const reference = (name: string): JsonObject => ({ $ref: `#/components/schemas/${metaPackage}.${name}` });

/** Schemas that every kind's schema refers to: they belong into components.schemas of each document. */
export function sharedOpenapiSchemas(): Record<string, JsonObject> {
  return {
    [`${metaPackage}.ObjectMeta`]: toOpenapi(objectMetaSchema),
  };
}

/** The entry of one kind, named by reversed group, version and kind, as Kubernetes does for custom resources. */
export function openapiOf(definition: KindDefinition, schema: StructuralSchema): { name: string; schema: JsonObject } {
  const { group, version, kind } = definition;
  const published = toOpenapi(schema);
  const properties = isObject(published['properties']) ? published['properties'] : {};
  return {
    name: `${reversed(group)}.${version}.${kind}`,
    schema: {
      ...published,
      properties: {
        ...properties,
        apiVersion: { type: 'string', description: 'The versioned schema of this representation of the object.' },
        kind: { type: 'string', description: 'What this object is.' },
        metadata: { ...reference('ObjectMeta'), description: 'Standard metadata.' },
      },
      'x-kubernetes-group-version-kind': [{ group, version, kind }],
    },
  };
}

function reversed(group: string): string {
  return group === '' ? 'io.k8s.api.core' : group.split('.').reverse().join('.');
}

function toOpenapi(schema: StructuralSchema): JsonObject {
  const out: JsonObject = {};
  for (const [name, value] of Object.entries(schema)) {
    if (value !== undefined) out[name] = copy(value);
  }
  return out;
}

function copy(value: unknown): JsonValue {
  return JSON.parse(JSON.stringify(value));
}
