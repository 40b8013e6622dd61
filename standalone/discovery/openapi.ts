// OpenAPI v3, one document per group: kubectl explain reads the schemas, kubectl apply the parameters of each patch.
import { createHash } from 'node:crypto';
import { type Answer, ok } from '../http/answer.ts';
import type { Registry } from '../registry/registry.ts';
import type { ServedKind } from '../registry/served-kind.ts';
import { sharedOpenapiSchemas } from '../schema/openapi.ts';
import { formatGroupVersion, type GroupVersion, groupVersions } from './resources.ts';

export function openApiDocuments(registry: Registry): [string, () => Answer][] {
  const entries = groupVersions(registry).map((entry) => {
    const path = `${entry.group === '' ? 'api' : 'apis'}/${formatGroupVersion(entry)}`;
    return { path, document: openApiDocument(entry) };
  });
  const index = Object.fromEntries(
    entries.map(({ path, document }) => {
      const hash = createHash('sha256').update(JSON.stringify(document)).digest('hex').slice(0, 32);
      return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }];
    }),
  );
  return [
    ['/openapi/v3', () => ok({ paths: index })],
    ...entries.map(({ path, document }): [string, () => Answer] => [`/openapi/v3/${path}`, () => ok(document)]),
  ];
}

function openApiDocument({ kinds }: GroupVersion) {
  return {
    openapi: '3.0.0',
    info: { title: 'Jouleops standalone control plane', version: 'v1' },
    paths: Object.fromEntries(kinds.flatMap(pathsOf)),
    components: {
      schemas: {
        ...sharedOpenapiSchemas(),
        ...Object.fromEntries(kinds.map(({ compiled }) => [compiled.openapi.name, compiled.openapi.schema])),
      },
    },
  };
}

/** Only what clients look up: which writes of which kind take dryRun, fieldManager and fieldValidation. */
function pathsOf(kind: ServedKind): [string, object][] {
  const { group, version, kind: kindName, plural, namespaced } = kind.compiled.definition;
  const root = `${group === '' ? '/api' : `/apis/${group}`}/${version}${namespaced ? '/namespaces/{namespace}' : ''}/${plural}`;
  const operation = (action: string, parameters: readonly object[]) => ({
    parameters,
    responses: { 200: { description: 'OK', content: { 'application/json': { schema: reference(kind.compiled.openapi.name) } } } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version, kind: kindName },
  });
  const one = {
    get: operation('get', []),
    put: operation('put', writing),
    patch: operation('patch', [...writing, force]),
    delete: operation('delete', [dryRun]),
  };
  const all = { get: operation('list', []), post: operation('post', writing) };
  const below = kind.subresources.map((name): [string, object] => [
    `${root}/{name}/${name}`,
    { patch: operation('patch', [...writing, force]) },
  ]);
  return [[root, all], [`${root}/{name}`, one], ...below];
}

function parameter(name: string, type: 'string' | 'boolean') {
  return { name, in: 'query', schema: { type, uniqueItems: true } };
}

const dryRun = parameter('dryRun', 'string');
const writing = [dryRun, parameter('fieldManager', 'string'), parameter('fieldValidation', 'string')];
const force = parameter('force', 'boolean');

function reference(name: string) {
  return { $ref: `#/components/schemas/${name}` };
}
