import type { TourChapter } from '../case.ts';
import { isMap, type Json } from '../json.ts';
import { condition, configMap, configMaps, deployment, deployments, merge } from '../paths.ts';
import { type Tour, textAt } from '../tour.ts';

const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
const metadataAlone = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
const metadataOfAll = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';

async function withStatus(tour: Tour): Promise<void> {
  await tour.call(201, 'POST', deployments(tour), { body: deployment('a'), unrecorded: true });
  const status = {
    devices: { desired: 2, updated: 1, ready: 1, unreachable: 0 },
    energy: { predicted: '31.2mJ', budget: '80mJ', verdict: 'WithinBudget', deviceClassName: 'raspberry-pi-5' },
    conditions: [condition('Ready', 'True', 'Succeeded')],
  };
  await tour.call(200, 'PATCH', deployments(tour, 'a', 'status'), { body: { status }, contentType: merge, unrecorded: true });
}

/** Ages move while the tour goes on. */
function observeTable(tour: Tour, body: Json): void {
  const columns = isMap(body) && Array.isArray(body['columnDefinitions']) ? body['columnDefinitions'].filter(isMap) : [];
  const rows = isMap(body) && Array.isArray(body['rows']) ? body['rows'].filter(isMap) : [];
  const ages = columns.map((column, index) => (column['name'] === 'Age' ? index : -1)).filter((index) => index >= 0);
  tour.observe('columns', columns);
  tour.observe(
    'cells',
    rows.map(({ cells }) => (Array.isArray(cells) ? cells.map((cell, index) => (ages.includes(index) ? '<age>' : cell)) : cells)),
  );
  tour.observe(
    'objects',
    rows.map(({ object }) => object ?? null),
  );
}

/** The resources of our group that are compared; the order of verbs means nothing, and the storage hash is a cluster's own. */
function observeResources(tour: Tour, list: Json, nameField: string): void {
  const resources = Array.isArray(list) ? list.filter((resource) => ours.includes(textAt(resource, nameField))) : [];
  tour.observe('resources', resources.map(comparable).sort(by(nameField)));
}

const by = (field: string) => (a: Json, b: Json) => (textAt(a, field) < textAt(b, field) ? -1 : 1);

function comparable(value: Json): Json {
  if (Array.isArray(value)) return value.map(comparable);
  if (!isMap(value)) return value;
  const entries = Object.entries(value).filter(([key]) => key !== 'storageVersionHash');
  return Object.fromEntries(
    entries.map(([key, child]) => [key, key === 'verbs' && Array.isArray(child) ? child.map(String).sort() : comparable(child)]),
  );
}

const ours = [
  'modeldeployments',
  'modeldeployments/status',
  'modelinstances',
  'modelversions',
  'edgedevices',
  'edgedevices/status',
];

export const forms: TourChapter = {
  title: 'Tables, metadata, discovery',
  cases: [
    {
      says: 'a list as a table',
      async visit(tour) {
        await withStatus(tour);
        const { body } = await tour.call(200, 'GET', deployments(tour), { accept: table, unrecorded: true });
        observeTable(tour, body);
      },
    },
    {
      says: 'metadata alone',
      async visit(tour) {
        await tour.call(201, 'POST', deployments(tour), { body: deployment('a'), unrecorded: true });
        await tour.call([200, 406], 'GET', deployments(tour, 'a'), { accept: metadataAlone });
        await tour.call([200, 406], 'GET', deployments(tour), { accept: metadataOfAll });
      },
      differs: 'No client of the embedded server asks for it: it answers NotAcceptable.',
    },
    {
      says: 'metadata alone or else the whole: a client that takes both gets its object',
      async visit(tour) {
        await tour.call(201, 'POST', deployments(tour), { body: deployment('a'), unrecorded: true });
        const accept = `${metadataAlone},application/json`;
        const answer = await tour.call(200, 'GET', deployments(tour, 'a'), { accept, unrecorded: true });
        tour.observe('name', answer.at('metadata.name'));
      },
    },
    {
      says: 'one object as a table',
      async visit(tour) {
        await withStatus(tour);
        const { body } = await tour.call(200, 'GET', deployments(tour, 'a'), { accept: table, unrecorded: true });
        observeTable(tour, body);
      },
    },
    {
      says: 'a table with whole objects',
      async visit(tour) {
        await withStatus(tour);
        const query = { includeObject: 'Object' };
        const { body } = await tour.call(200, 'GET', deployments(tour), { accept: table, query, unrecorded: true });
        observeTable(tour, body);
      },
    },
    {
      says: 'a table of a built-in kind',
      async visit(tour) {
        await tour.call(201, 'POST', configMaps(tour), { body: configMap('a', { a: '1', b: '2' }), unrecorded: true });
        const { body } = await tour.call(200, 'GET', configMaps(tour, 'a'), { accept: table, unrecorded: true });
        observeTable(tour, body);
      },
      differs: 'Built-in kinds show their name and age alone: kubectl is not how people look at them here.',
    },
    {
      says: 'a form that our kinds do not have falls back to JSON, or is refused',
      async visit(tour) {
        await withStatus(tour);
        await tour.call(200, 'GET', deployments(tour, 'a'), { accept: 'application/vnd.kubernetes.protobuf, application/json' });
        await tour.call(406, 'GET', deployments(tour, 'a'), { accept: 'application/x-unicorn' });
      },
    },
    {
      says: 'the resources of our group',
      async visit(tour) {
        const { body } = await tour.call(200, 'GET', '/apis/jouleops.dev/v1alpha1', { unrecorded: true });
        observeResources(tour, isMap(body) ? (body['resources'] ?? null) : null, 'name');
        await tour.call(200, 'GET', '/apis/jouleops.dev');
      },
    },
    {
      says: 'the groups in one answer, as kubectl asks for them',
      async visit(tour) {
        const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
        const { body } = await tour.call(200, 'GET', '/apis', { accept, unrecorded: true });
        const groups = isMap(body) && Array.isArray(body['items']) ? body['items'] : [];
        const group = groups.find((item) => textAt(item, 'metadata.name') === 'jouleops.dev') ?? null;
        tour.observe('kind', textAt(body, 'kind'));
        observeResources(tour, JSON.parse(textAt(group, 'versions.0.resources')) as Json, 'resource');
      },
    },
    {
      says: 'the schema that kubectl explain reads',
      async visit(tour) {
        const index = await tour.call(200, 'GET', '/openapi/v3', { unrecorded: true });
        const paths = JSON.parse(index.at('paths')) as Record<string, { serverRelativeURL: string }>;
        const url = paths['apis/jouleops.dev/v1alpha1']?.serverRelativeURL ?? '';
        const document = await tour.call(200, 'GET', url, { unrecorded: true });
        const schemas = JSON.parse(document.at('components.schemas')) as Record<string, Json>;
        const name = Object.keys(schemas).find((key) => key.endsWith('.ModelDeployment')) ?? '';
        const schema = schemas[name] ?? null;
        tour.observe('name', name);
        tour.observe('kinds', isMap(schema) ? (schema['x-kubernetes-group-version-kind'] ?? null) : null);
        const field = JSON.parse(textAt(schema, 'properties.spec.properties.budget.properties.windowSeconds')) as Record<
          string,
          Json
        >;
        tour.observe(
          'a field',
          Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)),
        );
        const metadata = textAt(schema, 'properties.metadata');
        tour.observe('metadata', /#\/components\/schemas\/[A-Za-z0-9.]+/.exec(metadata)?.[0] ?? metadata);
        const operations = JSON.parse(document.at('paths')) as Record<string, Json>;
        const verbs = operations['/apis/jouleops.dev/v1alpha1/namespaces/{namespace}/modeldeployments/{name}'] ?? null;
        tour.observe(
          'operations',
          isMap(verbs)
            ? Object.keys(verbs)
                .filter((verb) => verb !== 'parameters')
                .sort()
            : null,
        );
      },
    },
    {
      says: 'the server is alive, ready and has a version',
      async visit(tour) {
        for (const path of ['/livez', '/readyz']) await tour.call(200, 'GET', path);
        const { body } = await tour.call(200, 'GET', '/version', { unrecorded: true });
        tour.observe('fields', isMap(body) ? ['major', 'minor', 'gitVersion'].map((key) => key in body) : []);
      },
    },
  ],
};
