import { badRequest } from '../../http/status-error.ts';
import type { JsonObject } from '../../schema/json.ts';
import { equalJson, isObject } from '../../schema/json.ts';
import type { KindDefinition } from '../../schema/kind.ts';
import type { Cause } from '../../schema/structural-schema.ts';
import { metadataOf, nameOf, withMetadata } from '../../storage/stored-object.ts';
import { atomicList, boolean, described, mapList, object, string, stringMap, time } from './schemas.ts';

const plain = {
  group: '',
  version: 'v1',
  categories: [],
  statusSubresource: false,
  generation: false,
  selectableFields: [],
} as const;

const age = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' } as const;

export const namespaces: KindDefinition = {
  ...plain,
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  namespaced: false,
  nameSyntax: 'label',
  statusSubresource: true,
  selectableFields: ['.status.phase'],
  printerColumns: [{ name: 'Status', type: 'string', jsonPath: '.status.phase' }, age],
  schema: {
    ...object({
      spec: object({ finalizers: atomicList(string) }),
      status: object({
        phase: described(string, 'Active, or Terminating while its contents are being deleted.'),
        conditions: mapList(
          object({ type: string, status: string, reason: string, message: string, lastTransitionTime: time }, ['type', 'status']),
          ['type'],
        ),
      }),
    }),
    description: 'Namespace provides a scope for names.',
  },
};

export const configMaps: KindDefinition = {
  ...plain,
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  namespaced: true,
  printerColumns: [age],
  schema: {
    ...object({ data: stringMap, binaryData: stringMap, immutable: boolean }),
    description: 'ConfigMap holds configuration data for others to read.',
  },
  validate: (next, old) => [...dataKeys(next, ['data', 'binaryData']), ...immutable(next, old, ['data', 'binaryData'])],
};

export const secrets: KindDefinition = {
  ...plain,
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  shortNames: [],
  namespaced: true,
  selectableFields: ['.type'],
  printerColumns: [{ name: 'Type', type: 'string', jsonPath: '.type' }, age],
  schema: {
    ...object({ data: stringMap, stringData: stringMap, immutable: boolean, type: { type: 'string', default: 'Opaque' } }),
    description: 'Secret holds data that only those who need it may read.',
  },
  validate: (next, old) => [...dataKeys(next, ['data']), ...immutable(next, old, ['data']), ...sameType(next, old)],
};

/** The label by which selectors find a namespace; nobody can take it away. */
export function labelWithName(namespace: JsonObject): JsonObject {
  const name = nameOf(namespace);
  const { labels } = metadataOf(namespace);
  if (name === '') return namespace;
  return withMetadata(namespace, { labels: { ...(isObject(labels) ? labels : {}), 'kubernetes.io/metadata.name': name } });
}

/** stringData is written only: its values go into data, as Kubernetes does. Throws 400 for data that is not base64. */
export function foldStringData(secret: JsonObject): JsonObject {
  const { stringData, ...rest } = secret;
  for (const [key, value] of Object.entries(isObject(rest['data']) ? rest['data'] : {})) {
    if (typeof value === 'string' && Buffer.from(value, 'base64').toString('base64') === value) continue;
    throw badRequest(`Secret in version "v1" cannot be handled as a Secret: the value of data["${key}"] is not base64`);
  }
  if (!isObject(stringData)) return secret;
  const encoded = Object.entries(stringData).map(
    ([key, value]) => [key, Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64')] as const,
  );
  return { ...rest, data: { ...(isObject(rest['data']) ? rest['data'] : {}), ...Object.fromEntries(encoded) } };
}

function dataKeys(next: JsonObject, fields: readonly string[]): Cause[] {
  return fields.flatMap((field) => {
    const data = next[field];
    if (!isObject(data)) return [];
    return Object.keys(data)
      .filter((key) => !/^[-._a-zA-Z0-9]{1,253}$/.test(key) || key === '.' || key.startsWith('..'))
      .map((key): Cause => {
        const rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name')";
        return { reason: 'FieldValueInvalid', field: `${field}[${key}]`, message: `Invalid value: "${key}": ${rule}` };
      });
  });
}

function immutable(next: JsonObject, old: JsonObject | undefined, fields: readonly string[]): Cause[] {
  if (old?.['immutable'] !== true) return [];
  const forbid = (field: string): Cause => ({
    reason: 'FieldValueForbidden',
    field,
    message: 'Forbidden: field is immutable when `immutable` is set',
  });
  const changed = fields.filter((field) => !equalJson(next[field] ?? {}, old[field] ?? {})).map(forbid);
  return next['immutable'] === true ? changed : [forbid('immutable'), ...changed];
}

function sameType(next: JsonObject, old: JsonObject | undefined): Cause[] {
  if (old === undefined || next['type'] === old['type']) return [];
  return [
    {
      reason: 'FieldValueInvalid',
      field: 'type',
      message: `Invalid value: ${JSON.stringify(next['type'] ?? '')}: field is immutable`,
    },
  ];
}
