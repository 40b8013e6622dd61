import type { TourChapter } from '../case.ts';
import {
  configMap,
  configMaps,
  deployment,
  deployments,
  digest,
  events,
  json,
  leases,
  merge,
  revisions,
  secrets,
  version,
  versions,
} from '../paths.ts';

const unknown = () => deployment('a', { unicorns: 1, placement: { replicas: 1, horns: 2 } });
const validation = (fieldValidation: string) => ({ query: { fieldValidation } });
const secret = (parts: Record<string, unknown>) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, ...parts });
const lease = (spec: Record<string, unknown>) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'a' },
  spec,
});
const revision = (parts: Record<string, unknown>, metadata: Record<string, unknown> = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  metadata: { name: 'a', ...metadata },
  ...parts,
});

export const validations: TourChapter = {
  title: 'Defaults, pruning, validation',
  cases: [
    {
      says: 'defaults are filled in',
      async visit(tour) {
        await tour.call(201, 'POST', deployments(tour), { body: deployment('a', { placement: {} }) });
      },
    },
    {
      says: 'a null where there is a default counts as absent',
      async visit(tour) {
        await tour.call(201, 'POST', deployments(tour), { body: deployment('a', { placement: { mode: null } }) });
      },
    },
    {
      says: 'unknown fields are dropped in silence when asked so',
      async visit(tour) {
        await tour.call(201, 'POST', deployments(tour), { body: unknown(), ...validation('Ignore') });
      },
    },
    {
      says: 'unknown fields are dropped with a warning by default',
      async visit(tour) {
        await tour.call(201, 'POST', deployments(tour), { body: unknown() });
        await tour.call(200, 'PATCH', deployments(tour, 'a'), { body: { spec: { horns: 1 } }, contentType: merge });
      },
    },
    {
      says: 'unknown fields are refused when asked so',
      async visit(tour) {
        await tour.call(400, 'POST', deployments(tour), { body: unknown(), ...validation('Strict') });
        await tour.call(201, 'POST', deployments(tour), { body: deployment('a') });
        const query = { fieldValidation: 'Strict' };
        await tour.call([400, 422], 'PATCH', deployments(tour, 'a'), { body: { spec: { horns: 1 } }, contentType: merge, query });
        const body = [{ op: 'add', path: '/spec/horns', value: 1 }];
        await tour.call([400, 422], 'PATCH', deployments(tour, 'a'), { body, contentType: json, query });
      },
    },
    {
      says: 'a field that is said twice is refused when asked so',
      async visit(tour) {
        const body = JSON.stringify(deployment('a', { priority: 1 })).replace('"priority":1', '"priority":1,"priority":2');
        await tour.call([201, 400], 'POST', deployments(tour), { body, query: { fieldValidation: 'Strict', dryRun: 'All' } });
        await tour.call(201, 'POST', deployments(tour), { body, ...validation('Ignore') });
      },
    },
    {
      says: 'a way to validate that nobody knows is refused',
      async visit(tour) {
        await tour.call(422, 'POST', deployments(tour), { body: deployment('a'), ...validation('Perhaps') });
      },
    },
    {
      says: 'unknown fields of built-in kinds are treated the same',
      async visit(tour) {
        const body = { ...configMap('a'), unicorns: 1 };
        await tour.call(400, 'POST', configMaps(tour), { body, ...validation('Strict') });
        await tour.call(201, 'POST', configMaps(tour), { body, ...validation('Warn') });
      },
    },
    {
      says: 'everything that is wrong is said at once',
      async visit(tour) {
        const spec = {
          modelVersionName: 'Not_A_Name',
          budget: { energyPerInference: '80', confidencePercent: 100, boundary: 'Wall' },
          placement: { replicas: '1', deviceClassNames: ['a', 'a'] },
        };
        await tour.call(422, 'POST', deployments(tour), { body: deployment('a', spec) });
      },
    },
    {
      says: 'a missing field and a field of the wrong type are named',
      async visit(tour) {
        const { apiVersion, kind, metadata } = deployment('a');
        await tour.call(422, 'POST', deployments(tour), { body: { apiVersion, kind, metadata } });
        await tour.call(422, 'POST', deployments(tour), { body: { apiVersion, kind, metadata, spec: 'everything' } });
        await tour.call(422, 'POST', deployments(tour), { body: deployment('a', { suspend: 'yes' }) });
      },
    },
    {
      says: 'a rule is refused at the field it is about',
      async visit(tour) {
        const body = deployment('a', {
          budget: { averagePower: '1W', byClass: [{ deviceClassName: 'a' }] },
          placement: { mode: 'EveryDevice', replicas: 2, tolerations: [{ value: 'x' }] },
          rollout: { steps: [{ percent: 50 }, { percent: 20, devices: 1 }] },
        });
        await tour.call(422, 'POST', deployments(tour), { body });
      },
    },
    {
      says: 'a rule about a change is refused at the field it is about',
      async visit(tour) {
        await tour.call(201, 'POST', versions(tour), { body: version('a'), unrecorded: true });
        const body = { spec: { family: 'other', classLabels: ['x'] } };
        await tour.call(422, 'PATCH', versions(tour, 'a'), { body, contentType: merge });
      },
    },
    {
      says: 'a bound of a string, a number and a list',
      async visit(tour) {
        const variants = Array.from({ length: 17 }, (_, index) => ({
          name: `v${index}`,
          digest,
          sources: [{ uri: 'store://a' }],
        }));
        await tour.call(422, 'POST', versions(tour), { body: version('a', { version: 'x'.repeat(65), variants }) });
        await tour.call(422, 'POST', deployments(tour), { body: deployment('a', { priority: 1_000_001 }) });
      },
    },
    {
      says: 'a label or an annotation that cannot be one is refused',
      async visit(tour) {
        await tour.call(422, 'POST', versions(tour), { body: version('a', {}, { labels: { 'not a key': 'x' } }) });
        await tour.call(422, 'POST', versions(tour), { body: version('a', {}, { labels: { a: 'not a value' } }) });
        await tour.call(422, 'POST', versions(tour), { body: version('a', {}, { finalizers: ['not a name'] }) });
      },
    },
    {
      says: 'text of a Secret is kept as base64',
      async visit(tour) {
        const body = secret({ stringData: { token: 'secret' }, data: { other: 'YQ==' } });
        await tour.call(201, 'POST', secrets(tour), { body });
        await tour.call(400, 'POST', secrets(tour), { body: secret({ data: { token: 'no base64!' } }) });
      },
    },
    {
      says: 'the type of a Secret may not change',
      async visit(tour) {
        await tour.call(201, 'POST', secrets(tour), { body: secret({ type: 'one' }) });
        await tour.call(422, 'PATCH', secrets(tour, 'a'), { body: { type: 'two' }, contentType: merge });
      },
    },
    {
      says: 'what is immutable stays',
      async visit(tour) {
        await tour.call(201, 'POST', configMaps(tour), { body: { ...configMap('a'), immutable: true } });
        await tour.call(422, 'PATCH', configMaps(tour, 'a'), { body: { data: { a: '2' } }, contentType: merge });
        await tour.call(422, 'PATCH', configMaps(tour, 'a'), { body: { immutable: null }, contentType: merge });
      },
    },
    {
      says: 'the times of a Lease have six digits',
      async visit(tour) {
        const spec = { holderIdentity: 'a', leaseDurationSeconds: 15, renewTime: '2026-01-01T00:00:00.123456Z' };
        await tour.call(201, 'POST', leases(tour), { body: lease(spec) });
        await tour.call([400, 422], 'PATCH', leases(tour, 'a'), {
          body: { spec: { renewTime: 'yesterday' } },
          contentType: merge,
        });
        await tour.call(422, 'PATCH', leases(tour, 'a'), { body: { spec: { leaseDurationSeconds: 0 } }, contentType: merge });
      },
    },
    {
      says: 'the data of a ControllerRevision may not change, its number and annotations may',
      async visit(tour) {
        await tour.call(201, 'POST', revisions(tour), { body: revision({ revision: 1, data: { spec: { a: [1, 'x', null] } } }) });
        const more = { revision: 2, metadata: { annotations: { 'jouleops.dev/rejections': '{}' } } };
        await tour.call(200, 'PATCH', revisions(tour, 'a'), { body: more, contentType: merge });
        await tour.call(422, 'PATCH', revisions(tour, 'a'), { body: { data: { spec: { a: [2] } } }, contentType: merge });
      },
    },
    {
      says: 'an event says who reports what about what',
      async visit(tour) {
        const body = {
          apiVersion: 'events.k8s.io/v1',
          kind: 'Event',
          metadata: { name: 'a' },
          eventTime: '2026-01-01T00:00:00.123456Z',
          reportingController: 'jouleops.dev/controller',
          reportingInstance: 'controller-0',
          action: 'Place',
          reason: 'Placed',
          type: 'Normal',
          note: 'placed on pi5-a',
          regarding: { apiVersion: 'jouleops.dev/v1alpha1', kind: 'ModelDeployment', name: 'a', namespace: tour.namespace },
        };
        await tour.call(201, 'POST', events(tour), { body });
        await tour.call(422, 'POST', events(tour), { body: { ...body, metadata: { name: 'b' }, type: 'Strange' } });
        await tour.call(422, 'POST', events(tour), { body: { ...body, metadata: { name: 'c' }, reportingController: '' } });
      },
    },
  ],
};
