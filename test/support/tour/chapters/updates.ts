import type { TourChapter } from '../case.ts';
import { condition, configMap, configMaps, deployment, deployments } from '../paths.ts';
import type { Answer, Tour } from '../tour.ts';

const made = (tour: Tour, spec = {}, metadata = {}): Promise<Answer> =>
  tour.call(201, 'POST', deployments(tour), { body: deployment('a', spec, metadata), unrecorded: true });

/** The object with the version that it was read at. */
const at = (answer: Answer, spec = {}, metadata = {}) =>
  deployment('a', spec, { resourceVersion: answer.at('metadata.resourceVersion'), ...metadata });

export const updates: TourChapter = {
  title: 'Update',
  cases: [
    {
      says: 'an update of the spec counts the generation',
      async visit(tour) {
        const before = await made(tour);
        await tour.call(200, 'PUT', deployments(tour, 'a'), { body: at(before, { priority: 5 }) });
      },
    },
    {
      says: 'an update of labels does not count the generation',
      async visit(tour) {
        const before = await made(tour);
        await tour.call(200, 'PUT', deployments(tour, 'a'), { body: at(before, {}, { labels: { a: 'b' } }) });
      },
    },
    {
      says: 'an update that changes nothing makes no version',
      async visit(tour) {
        const created = await made(tour);
        const before = await tour.call(200, 'PUT', deployments(tour, 'a'), { body: at(created, { priority: 1 }) });
        const after = await tour.call(200, 'PUT', deployments(tour, 'a'), { body: at(before, { priority: 1 }) });
        tour.observe('same version', before.at('metadata.resourceVersion') === after.at('metadata.resourceVersion'));
      },
    },
    {
      says: 'the first update of a new object, though it changes nothing',
      async visit(tour) {
        const before = await made(tour);
        const after = await tour.call(200, 'PUT', deployments(tour, 'a'), { body: at(before) });
        tour.observe('same version', before.at('metadata.resourceVersion') === after.at('metadata.resourceVersion'));
      },
      differs:
        'The embedded server stores the default of a status with the object; kube-apiserver with its first write, a version.',
    },
    {
      says: 'an update from an old version is a Conflict',
      async visit(tour) {
        const before = await made(tour);
        await tour.call(200, 'PUT', deployments(tour, 'a'), { body: at(before, { priority: 5 }) });
        await tour.call(409, 'PUT', deployments(tour, 'a'), { body: at(before, { priority: 6 }) });
      },
    },
    {
      says: 'an update without a version is refused for our kinds and taken for built-in ones',
      async visit(tour) {
        await made(tour);
        await tour.call(422, 'PUT', deployments(tour, 'a'), { body: deployment('a') });
        await tour.call(201, 'POST', configMaps(tour), { body: configMap('a') });
        await tour.call(200, 'PUT', configMaps(tour, 'a'), { body: configMap('a', { a: '2' }) });
      },
    },
    {
      says: 'an update under another name is refused',
      async visit(tour) {
        const before = await made(tour);
        const version = before.at('metadata.resourceVersion');
        await tour.call(400, 'PUT', deployments(tour, 'a'), { body: deployment('b', {}, { resourceVersion: version }) });
      },
    },
    {
      says: 'an update of another object with the same name is a Conflict',
      async visit(tour) {
        const before = await made(tour);
        const uid = '00000000-0000-0000-0000-000000000000';
        await tour.call(409, 'PUT', deployments(tour, 'a'), { body: at(before, {}, { uid }) });
      },
    },
    {
      says: 'what the server owns in metadata stays, whatever an update says',
      async visit(tour) {
        const before = await made(tour);
        const metadata = { creationTimestamp: '2001-01-01T00:00:00Z', generation: 99 };
        const after = await tour.call(200, 'PUT', deployments(tour, 'a'), { body: at(before, {}, metadata) });
        tour.observe('same time', before.at('metadata.creationTimestamp') === after.at('metadata.creationTimestamp'));
      },
    },
    {
      says: 'an update leaves the status alone',
      async visit(tour) {
        const before = await made(tour);
        await tour.call(200, 'PUT', deployments(tour, 'a'), { body: { ...at(before), status: { currentRevision: 'a-1' } } });
      },
    },
    {
      says: 'an update of the status leaves everything else alone',
      async visit(tour) {
        const before = await made(tour);
        const body = { ...at(before, { priority: 5 }, { labels: { a: 'b' } }), status: { currentRevision: 'a-1' } };
        await tour.call(200, 'PUT', deployments(tour, 'a', 'status'), { body });
        await tour.call(200, 'GET', deployments(tour, 'a', 'status'));
      },
    },
    {
      says: 'a status that breaks the schema is refused',
      async visit(tour) {
        const before = await made(tour);
        const body = { ...at(before), status: { conditions: [{ ...condition('Ready', 'True'), status: 'Perhaps' }] } };
        await tour.call(422, 'PUT', deployments(tour, 'a', 'status'), { body });
      },
    },
    {
      says: 'a dry update keeps nothing',
      async visit(tour) {
        const before = await made(tour);
        await tour.call(200, 'PUT', deployments(tour, 'a'), { body: at(before, { priority: 5 }), query: { dryRun: 'All' } });
        await tour.call(200, 'GET', deployments(tour, 'a'));
      },
    },
  ],
};
