import type { TourChapter } from '../case.ts';
import {
  configMap,
  configMaps,
  deployment,
  deployments,
  device,
  devices,
  instance,
  instances,
  namespaces,
  version,
  versions,
} from '../paths.ts';

export const objects: TourChapter = {
  title: 'Create, get, delete',
  cases: [
    {
      says: 'an object is created and read back',
      async visit(tour) {
        await tour.call(201, 'POST', versions(tour), { body: version('a') });
        await tour.call(200, 'GET', versions(tour, 'a'));
      },
    },
    {
      says: 'an object of the whole cluster is created and read back',
      async visit(tour) {
        const name = tour.namespace;
        await tour.call(201, 'POST', devices(), { body: device(name, { unschedulable: true }) });
        await tour.call(200, 'GET', devices(name));
        await tour.call(200, 'DELETE', devices(name));
      },
    },
    {
      says: 'the same name twice is AlreadyExists',
      async visit(tour) {
        await tour.call(201, 'POST', versions(tour), { body: version('a') });
        await tour.call(409, 'POST', versions(tour), { body: version('a') });
      },
    },
    {
      says: 'generateName makes a name',
      async visit(tour) {
        const { apiVersion, kind, spec } = version('a');
        const body = { apiVersion, kind, spec, metadata: { generateName: 'made-' } };
        const first = await tour.call(201, 'POST', versions(tour), { body });
        const second = await tour.call(201, 'POST', versions(tour), { body });
        tour.observe('two names are two', first.at('metadata.name') !== second.at('metadata.name'));
        tour.observe('letters of the suffix', first.at('metadata.name').slice('made-'.length).length);
      },
    },
    {
      says: 'no name at all is refused',
      async visit(tour) {
        const { apiVersion, kind, spec } = version('a');
        await tour.call(422, 'POST', versions(tour), { body: { apiVersion, kind, spec, metadata: {} } });
      },
    },
    {
      says: 'a name that is no host name is refused',
      async visit(tour) {
        await tour.call(422, 'POST', versions(tour), { body: version('Not_A_Name') });
        await tour.call(422, 'POST', configMaps(tour), { body: configMap('Not_A_Name') });
      },
    },
    {
      says: 'what does not exist is NotFound',
      async visit(tour) {
        await tour.call(404, 'GET', versions(tour, 'absent'));
        await tour.call(404, 'DELETE', versions(tour, 'absent'));
        await tour.call(404, 'PUT', versions(tour, 'absent'), { body: version('absent', {}, { resourceVersion: '1' }) });
        await tour.call(404, 'PATCH', versions(tour, 'absent'), { body: {}, contentType: 'application/merge-patch+json' });
      },
    },
    {
      says: 'a namespace that does not exist takes nothing',
      async visit(tour) {
        const path = `/apis/jouleops.dev/v1alpha1/namespaces/${tour.namespace}-absent/modelversions`;
        await tour.call(404, 'POST', path, { body: version('a') });
        await tour.call(200, 'GET', path);
      },
    },
    {
      says: 'a resource that does not exist is NotFound',
      async visit(tour) {
        await tour.call(404, 'GET', `/apis/jouleops.dev/v1alpha1/namespaces/${tour.namespace}/unicorns`);
        await tour.call(404, 'GET', '/apis/unicorns.example.org/v1/unicorns');
        await tour.call(404, 'GET', '/apis/jouleops.dev/v9/modelversions');
      },
      differs: 'The embedded server says NotFound in a Status also for paths that no API has; kube-apiserver answers plain text.',
    },
    {
      says: 'a body for another place is refused',
      async visit(tour) {
        await tour.call(400, 'POST', versions(tour), { body: version('a', {}, { namespace: 'elsewhere' }) });
        await tour.call(422, 'POST', versions(tour), { body: deployment('a'), query: { fieldValidation: 'Ignore' } });
        await tour.call(400, 'POST', versions(tour), {
          body: { ...version('a'), apiVersion: 'jouleops.dev/v9' },
          query: { fieldValidation: 'Ignore' },
        });
      },
    },
    {
      says: 'a body that is no JSON is refused',
      async visit(tour) {
        await tour.call(400, 'POST', versions(tour), { body: '{"kind": ' });
        await tour.call(400, 'POST', configMaps(tour), { body: '{"kind": ' });
      },
    },
    {
      says: 'a body in a form nobody knows is refused',
      async visit(tour) {
        await tour.call(415, 'POST', versions(tour), { body: 'a=b', contentType: 'application/x-www-form-urlencoded' });
      },
    },
    {
      says: 'a verb that a path does not have is MethodNotAllowed',
      async visit(tour) {
        await tour.call(405, 'POST', configMaps(tour, 'a'), { body: configMap('a') });
        await tour.call(405, 'PUT', configMaps(tour), { body: configMap('a') });
      },
    },
    {
      says: 'a dry run answers as if and keeps nothing',
      async visit(tour) {
        await tour.call(201, 'POST', versions(tour), { body: version('a'), query: { dryRun: 'All' } });
        await tour.call(404, 'GET', versions(tour, 'a'));
        await tour.call(201, 'POST', versions(tour), { body: version('b') });
        await tour.call(200, 'DELETE', versions(tour, 'b'), { query: { dryRun: 'All' } });
        await tour.call(200, 'GET', versions(tour, 'b'));
      },
    },
    {
      says: 'a dry run in part is refused',
      async visit(tour) {
        await tour.call(422, 'POST', versions(tour), { body: version('a'), query: { dryRun: 'Some' } });
      },
    },
    {
      says: 'a delete answers what it deleted',
      async visit(tour) {
        await tour.call(201, 'POST', versions(tour), { body: version('a') });
        await tour.call(200, 'DELETE', versions(tour, 'a'));
        await tour.call(404, 'GET', versions(tour, 'a'));
        await tour.call(201, 'POST', configMaps(tour), { body: configMap('a') });
        await tour.call(200, 'DELETE', configMaps(tour, 'a'));
      },
    },
    {
      says: 'a delete of another object with the same name is a Conflict',
      async visit(tour) {
        const made = await tour.call(201, 'POST', versions(tour), { body: version('a') });
        const wrongUid = { preconditions: { uid: '00000000-0000-0000-0000-000000000000' } };
        await tour.call(409, 'DELETE', versions(tour, 'a'), { body: wrongUid });
        await tour.call(409, 'DELETE', versions(tour, 'a'), { body: { preconditions: { resourceVersion: '1' } } });
        await tour.call(200, 'DELETE', versions(tour, 'a'), { body: { preconditions: { uid: made.at('metadata.uid') } } });
      },
    },
    {
      says: 'a whole collection is deleted by label',
      async visit(tour) {
        for (const [name, tier] of [
          ['a', 'x'],
          ['b', 'x'],
          ['c', 'y'],
        ] as const) {
          await tour.call(201, 'POST', versions(tour), { body: version(name, {}, { labels: { tier } }), unrecorded: true });
        }
        await tour.call(200, 'DELETE', versions(tour), { query: { labelSelector: 'tier=x' } });
        await tour.call(200, 'GET', versions(tour));
      },
    },
    {
      says: 'a new object starts at generation 1 without a status, whatever it says',
      async visit(tour) {
        const body = { ...deployment('a', {}, { generation: 7 }), status: { currentRevision: 'a-1' } };
        await tour.call(201, 'POST', deployments(tour), { body });
        await tour.call(201, 'POST', instances(tour), { body: instance('a', 'pi5-a') });
      },
    },
    {
      says: 'a new object with a version is refused',
      async visit(tour) {
        await tour.call(500, 'POST', versions(tour), { body: version('a', {}, { resourceVersion: '7' }) });
      },
    },
    {
      says: 'a namespace is an object too',
      async visit(tour) {
        await tour.call(200, 'GET', namespaces(tour.namespace));
      },
    },
  ],
};
