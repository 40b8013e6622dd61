import type { TourChapter } from '../case.ts';
import { isMap, type Json } from '../json.ts';
import { configMaps, instance, instances, version, versions } from '../paths.ts';
import { type Tour, textAt } from '../tour.ts';

async function fill(tour: Tour): Promise<void> {
  const tiers: Record<string, Record<string, string>> = {
    a: { tier: 'x' },
    b: { tier: 'x', site: 'one' },
    c: { tier: 'y' },
    d: {},
  };
  for (const [name, labels] of Object.entries(tiers)) {
    await tour.call(201, 'POST', versions(tour), { body: version(name, {}, { labels }), unrecorded: true });
  }
}

/** Names alone: what the objects look like is another case's matter. */
async function select(tour: Tour, labelSelector: string): Promise<void> {
  const { body } = await tour.call(200, 'GET', versions(tour), { query: { labelSelector }, unrecorded: true });
  tour.observe(labelSelector, namesIn(body));
}

function namesIn(list: Json): string[] {
  const items = isMap(list) ? list['items'] : [];
  return Array.isArray(items) ? items.map((item) => textAt(item, 'metadata.name')) : [];
}

export const reads: TourChapter = {
  title: 'Lists, selectors, pages',
  cases: [
    {
      says: 'a list has a version and its items',
      async visit(tour) {
        await fill(tour);
        const list = await tour.call(200, 'GET', versions(tour));
        tour.observe('has a version', list.at('metadata.resourceVersion') !== '');
      },
    },
    {
      says: 'labels select by equality, by set and by presence',
      async visit(tour) {
        await fill(tour);
        for (const selector of [
          'tier=x',
          'tier==y',
          'tier!=x',
          'tier in (x,y)',
          'tier notin (x)',
          'tier',
          '!tier',
          'tier=x,site=one',
          '',
        ]) {
          await select(tour, selector);
        }
      },
    },
    {
      says: 'a label selector that is none is refused',
      async visit(tour) {
        await tour.call(400, 'GET', versions(tour), { query: { labelSelector: 'tier in x' } });
        await tour.call(400, 'GET', versions(tour), { query: { labelSelector: '=x' } });
      },
    },
    {
      says: 'fields select by name and by a selectable field',
      async visit(tour) {
        for (const [name, device] of [
          ['a', 'pi5-a'],
          ['b', 'pi5-b'],
          ['c', 'pi5-a'],
        ] as const) {
          await tour.call(201, 'POST', instances(tour), { body: instance(name, device), unrecorded: true });
        }
        for (const fieldSelector of [
          'spec.deviceName=pi5-a',
          'spec.deviceName!=pi5-a',
          'metadata.name=b',
          `metadata.namespace=${tour.namespace}`,
        ]) {
          const { body } = await tour.call(200, 'GET', instances(tour), { query: { fieldSelector }, unrecorded: true });
          tour.observe(fieldSelector, namesIn(body));
        }
      },
    },
    {
      says: 'a field that is not selectable is refused',
      async visit(tour) {
        await tour.call(400, 'GET', instances(tour), { query: { fieldSelector: 'spec.deploymentName=a' } });
        await tour.call(400, 'GET', configMaps(tour), { query: { fieldSelector: 'data.a=1' } });
      },
    },
    {
      says: 'pages show the state at the first of them',
      async visit(tour) {
        await fill(tour);
        const first = await tour.call(200, 'GET', versions(tour), { query: { limit: '2' } });
        await tour.call(201, 'POST', versions(tour), { body: version('bb'), unrecorded: true });
        await tour.call(200, 'DELETE', versions(tour, 'c'), { unrecorded: true });
        const query = { limit: '2', continue: first.at('metadata.continue') };
        const second = await tour.call(200, 'GET', versions(tour), { query });
        tour.observe('same version', first.at('metadata.resourceVersion') === second.at('metadata.resourceVersion'));
      },
    },
    {
      says: 'a page that nobody asked for is refused',
      async visit(tour) {
        await tour.call(400, 'GET', versions(tour), { query: { limit: '2', continue: 'bm9uc2Vuc2U' } });
      },
    },
    {
      says: 'a list from the cache, and one not older than a version',
      async visit(tour) {
        await fill(tour);
        const now = await tour.call(200, 'GET', versions(tour), { unrecorded: true });
        const resourceVersion = now.at('metadata.resourceVersion');
        await tour.call(200, 'GET', versions(tour), { query: { resourceVersion: '0' } });
        await tour.call(200, 'GET', versions(tour), { query: { resourceVersion, resourceVersionMatch: 'NotOlderThan' } });
      },
    },
    {
      says: 'a version that is no number is refused',
      async visit(tour) {
        await tour.call(400, 'GET', versions(tour), { query: { resourceVersion: 'yesterday' } });
      },
    },
    {
      says: 'a list over all namespaces',
      async visit(tour) {
        await fill(tour);
        const query = { fieldSelector: `metadata.namespace=${tour.namespace}` };
        await tour.call(200, 'GET', '/apis/jouleops.dev/v1alpha1/modelversions', { query });
      },
    },
  ],
};
