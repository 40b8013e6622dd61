import type { TourChapter } from '../case.ts';
import { configMap, configMaps, deployment, deployments, digest, json, merge, version, versions } from '../paths.ts';

const unknown = () => deployment('a', { unicorns: 1, placement: { replicas: 1, horns: 2 } });
const validation = (fieldValidation: string) => ({ query: { fieldValidation } });

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
  ],
};
