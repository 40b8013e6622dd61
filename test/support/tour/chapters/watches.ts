import type { TourChapter } from '../case.ts';
import { merge, version, versions } from '../paths.ts';
import type { Tour, WatchedEvent } from '../tour.ts';

const quiet = { unrecorded: true } as const;
const make = (tour: Tour, name: string, labels = {}) =>
  tour.call(201, 'POST', versions(tour), { body: version(name, {}, { labels }), ...quiet });
const relabel = (tour: Tour, name: string, tier: string | null) =>
  tour.call(200, 'PATCH', versions(tour, name), { body: { metadata: { labels: { tier } } }, contentType: merge, ...quiet });
const remove = (tour: Tour, name: string) => tour.call(200, 'DELETE', versions(tour, name), quiet);
const now = async (tour: Tour) => (await tour.call(200, 'GET', versions(tour), quiet)).at('metadata.resourceVersion');
const atLeast = (count: number) => (events: WatchedEvent[]) => events.length >= count;

export const watches: TourChapter = {
  title: 'Watch',
  cases: [
    {
      says: 'from nothing: what is there, then what happens',
      async visit(tour) {
        await make(tour, 'a');
        await tour.watch(
          versions(tour),
          { timeoutSeconds: '20' },
          { enough: atLeast(2), opened: async () => void (await make(tour, 'b')) },
        );
      },
    },
    {
      says: 'from 0: what is there, then what happens',
      async visit(tour) {
        await make(tour, 'a');
        const query = { resourceVersion: '0', timeoutSeconds: '20' };
        await tour.watch(versions(tour), query, { enough: atLeast(2), opened: async () => void (await relabel(tour, 'a', 'x')) });
      },
    },
    {
      says: 'from a version: what happened since, in order',
      async visit(tour) {
        await make(tour, 'a');
        const resourceVersion = await now(tour);
        await make(tour, 'b');
        await relabel(tour, 'a', 'x');
        await remove(tour, 'b');
        await tour.watch(versions(tour), { resourceVersion, timeoutSeconds: '20' }, { enough: atLeast(3) });
      },
    },
    {
      says: 'of one object by name',
      async visit(tour) {
        await make(tour, 'a');
        const resourceVersion = await now(tour);
        await make(tour, 'b');
        await relabel(tour, 'a', 'x');
        await tour.watch(
          versions(tour),
          { resourceVersion, fieldSelector: 'metadata.name=a', timeoutSeconds: '20' },
          { enough: atLeast(1) },
        );
      },
    },
    {
      says: 'of a label: an object that loses it is deleted, one that gets it is added',
      async visit(tour) {
        await make(tour, 'a', { tier: 'x' });
        await make(tour, 'b');
        const resourceVersion = await now(tour);
        await relabel(tour, 'a', null);
        await relabel(tour, 'b', 'x');
        await relabel(tour, 'a', 'y');
        await remove(tour, 'b');
        await tour.watch(
          versions(tour),
          { resourceVersion, labelSelector: 'tier=x', timeoutSeconds: '20' },
          { enough: atLeast(3) },
        );
      },
    },
    {
      says: 'from a version that is forgotten: expired',
      async visit(tour) {
        await make(tour, 'a');
        for (let round = 0; round < 130; round++) await relabel(tour, 'a', `x${round}`);
        await tour.watch(versions(tour), { resourceVersion: '1', timeoutSeconds: '5' }, { enough: atLeast(1) });
      },
    },
    {
      says: 'from a version that is no number: refused',
      async visit(tour) {
        await tour.watch(versions(tour), { resourceVersion: 'yesterday', timeoutSeconds: '5' });
      },
      differs: 'The embedded server says BadRequest; kube-apiserver takes it for an error of its own and answers 500.',
    },
    {
      says: 'ends when its time is over',
      async visit(tour) {
        await make(tour, 'a');
        const resourceVersion = await now(tour);
        await tour.watch(versions(tour), { resourceVersion, timeoutSeconds: '1' });
      },
    },
    {
      says: 'a bookmark before its time is over',
      async visit(tour) {
        const resourceVersion = await now(tour);
        const query = { resourceVersion, timeoutSeconds: '6', allowWatchBookmarks: 'true' };
        const bookmarked = (events: WatchedEvent[]) => events.some(({ type }) => type === 'BOOKMARK');
        await tour.watch(versions(tour), query, { enough: bookmarked, opened: async () => void (await make(tour, 'a')) });
      },
    },
    {
      says: 'as a table, as kubectl does',
      async visit(tour) {
        await make(tour, 'a');
        const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
        await tour.watch(versions(tour), { timeoutSeconds: '20' }, { enough: atLeast(1), accept });
      },
    },
  ],
};
