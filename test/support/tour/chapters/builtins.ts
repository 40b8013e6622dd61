import type { TourChapter } from '../case.ts';
import { configMap, configMaps, events, leases, merge, revisions, secrets } from '../paths.ts';

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

export const builtins: TourChapter = {
  title: 'Built-in kinds',
  cases: [
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
