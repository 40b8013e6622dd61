import type { TourChapter } from '../case.ts';
import {
  condition,
  configMap,
  configMaps,
  deployment,
  deployments,
  device,
  devices,
  json,
  merge,
  version,
  versions,
} from '../paths.ts';
import type { Answer, Tour } from '../tour.ts';

const made = (tour: Tour, spec = {}, metadata = {}): Promise<Answer> =>
  tour.call(201, 'POST', deployments(tour), { body: deployment('a', spec, metadata), unrecorded: true });

export const patches: TourChapter = {
  title: 'Patch',
  cases: [
    {
      says: 'a merge patch sets, changes and removes',
      async visit(tour) {
        await made(tour, { priority: 5 }, { labels: { a: 'b', c: 'd' } });
        const body = { metadata: { labels: { a: null, e: 'f' } }, spec: { priority: null, placement: { replicas: 3 } } };
        await tour.call(200, 'PATCH', deployments(tour, 'a'), { body, contentType: merge });
      },
    },
    {
      says: 'a merge patch replaces a whole list',
      async visit(tour) {
        const name = tour.namespace;
        const taints = [{ key: 'a', effect: 'NoServing' }];
        await tour.call(201, 'POST', devices(), { body: device(name, { taints }), unrecorded: true });
        const body = { spec: { taints: [{ key: 'b', effect: 'NoPlacement' }] } };
        await tour.call(200, 'PATCH', devices(name), { body, contentType: merge });
        await tour.call(200, 'DELETE', devices(name), { unrecorded: true });
      },
    },
    {
      says: 'a merge patch from an old version is a Conflict',
      async visit(tour) {
        const before = await made(tour);
        const metadata = { resourceVersion: before.at('metadata.resourceVersion') };
        await tour.call(200, 'PATCH', deployments(tour, 'a'), { body: { metadata, spec: { priority: 1 } }, contentType: merge });
        await tour.call(409, 'PATCH', deployments(tour, 'a'), { body: { metadata, spec: { priority: 2 } }, contentType: merge });
      },
    },
    {
      says: 'a merge patch that changes nothing makes no version',
      async visit(tour) {
        await made(tour);
        const set = { body: { spec: { priority: 1 } }, contentType: merge };
        const before = await tour.call(200, 'PATCH', deployments(tour, 'a'), set);
        const after = await tour.call(200, 'PATCH', deployments(tour, 'a'), set);
        tour.observe('same version', before.at('metadata.resourceVersion') === after.at('metadata.resourceVersion'));
      },
    },
    {
      says: 'a merge patch into something invalid is refused',
      async visit(tour) {
        await made(tour);
        const body = { spec: { placement: { mode: 'EveryDevice' } } };
        await tour.call(422, 'PATCH', deployments(tour, 'a'), { body, contentType: merge });
        await tour.call(422, 'PATCH', deployments(tour, 'a'), { body: { spec: { budget: null } }, contentType: merge });
      },
    },
    {
      says: 'a merge patch of the status touches the status alone',
      async visit(tour) {
        await made(tour);
        const body = { spec: { priority: 5 }, status: { conditions: [condition('Ready', 'True')], currentRevision: 'a-1' } };
        await tour.call(200, 'PATCH', deployments(tour, 'a', 'status'), { body, contentType: merge });
        await tour.call(200, 'PATCH', deployments(tour, 'a'), { body: { status: null }, contentType: merge });
      },
    },
    {
      says: 'a patch that renames is refused',
      async visit(tour) {
        await made(tour);
        await tour.call(400, 'PATCH', deployments(tour, 'a'), { body: { metadata: { name: 'b' } }, contentType: merge });
      },
    },
    {
      says: 'a JSON patch tests, adds, replaces and removes',
      async visit(tour) {
        await made(tour, { priority: 5 });
        const body = [
          { op: 'test', path: '/spec/priority', value: 5 },
          { op: 'replace', path: '/spec/priority', value: 6 },
          { op: 'add', path: '/spec/placement/deviceClassNames', value: ['a'] },
          { op: 'add', path: '/spec/placement/deviceClassNames/-', value: 'b' },
          { op: 'remove', path: '/spec/placement/replicas' },
        ];
        await tour.call(200, 'PATCH', deployments(tour, 'a'), { body, contentType: json });
      },
    },
    {
      says: 'a JSON patch whose test fails changes nothing',
      async visit(tour) {
        await made(tour, { priority: 5 });
        const body = [
          { op: 'replace', path: '/spec/priority', value: 6 },
          { op: 'test', path: '/spec/priority', value: 5 },
        ];
        await tour.call(422, 'PATCH', deployments(tour, 'a'), { body, contentType: json });
        await tour.call(200, 'GET', deployments(tour, 'a'));
      },
    },
    {
      says: 'a JSON patch of what is not there is refused',
      async visit(tour) {
        await made(tour);
        const body = [{ op: 'remove', path: '/spec/absent' }];
        await tour.call(422, 'PATCH', deployments(tour, 'a'), { body, contentType: json });
      },
    },
    {
      says: 'a JSON patch whose copies double without end is refused',
      async visit(tour) {
        await made(tour);
        const body = [
          { op: 'add', path: '/spec/list', value: ['x'.repeat(1000)] },
          ...Array.from({ length: 20 }, () => ({ op: 'copy', from: '/spec/list', path: '/spec/list/-' })),
        ];
        await tour.call(422, 'PATCH', deployments(tour, 'a'), { body, contentType: json });
      },
    },
    {
      says: 'a JSON patch that is none is refused',
      async visit(tour) {
        await made(tour);
        await tour.call(400, 'PATCH', deployments(tour, 'a'), { body: { spec: {} }, contentType: json });
      },
    },
    {
      says: 'a patch in a form nobody knows is refused',
      async visit(tour) {
        await made(tour);
        await tour.call(415, 'PATCH', deployments(tour, 'a'), { body: {}, contentType: 'application/json' });
      },
    },
    {
      says: 'a strategic merge patch is refused for our kinds',
      async visit(tour) {
        await made(tour);
        const contentType = 'application/strategic-merge-patch+json';
        await tour.call(415, 'PATCH', deployments(tour, 'a'), { body: {}, contentType });
      },
    },
    {
      says: 'a strategic merge patch of a ConfigMap sets and removes keys',
      async visit(tour) {
        await tour.call(201, 'POST', configMaps(tour), { body: configMap('a', { a: '1', b: '2' }) });
        const contentType = 'application/strategic-merge-patch+json';
        await tour.call(200, 'PATCH', configMaps(tour, 'a'), { body: { data: { a: null, c: '3' } }, contentType });
      },
    },
    {
      says: 'sources of a model version may change, digests may not',
      async visit(tour) {
        const before = await tour.call(201, 'POST', versions(tour), { body: version('a'), unrecorded: true });
        const sources = [
          { op: 'replace', path: '/spec/variants/0/sources/0/uri', value: 'https://mirror.example.org/model.onnx' },
        ];
        await tour.call(200, 'PATCH', versions(tour, 'a'), { body: sources, contentType: json });
        const digest = [{ op: 'replace', path: '/spec/variants/0/digest', value: `sha256:${'c'.repeat(64)}` }];
        await tour.call(422, 'PATCH', versions(tour, 'a'), { body: digest, contentType: json });
        tour.observe('made once', before.at('metadata.generation'));
      },
    },
  ],
};
