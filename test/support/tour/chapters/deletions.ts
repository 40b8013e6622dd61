import { eventually } from '../../eventually.ts';
import type { TourChapter } from '../case.ts';
import { configMap, configMaps, deployment, deployments, merge, namespaces, version, versions } from '../paths.ts';
import type { Tour } from '../tour.ts';

const quiet = { unrecorded: true } as const;

async function ownerAndDependent(tour: Tour): Promise<void> {
  const owner = await tour.call(201, 'POST', deployments(tour), { body: deployment('owner'), ...quiet });
  const reference = {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelDeployment',
    name: 'owner',
    uid: owner.at('metadata.uid'),
    controller: true,
    blockOwnerDeletion: true,
  };
  const body = configMap('dependent', { a: '1' }, { ownerReferences: [reference] });
  await tour.call(201, 'POST', configMaps(tour), { body });
}

/** What becomes of the dependent, once it has become of it. */
async function settled(tour: Tour, status: number, done: (references: string) => boolean): Promise<void> {
  await eventually(async () => {
    const answer = await tour.call(status, 'GET', configMaps(tour, 'dependent'), quiet);
    if (!done(answer.at('metadata.ownerReferences'))) throw new Error('the collector has not been here yet');
  }, 30);
  await tour.call(status, 'GET', configMaps(tour, 'dependent'));
}

export const deletions: TourChapter = {
  title: 'Finalizers and owners',
  cases: [
    {
      says: 'namespaces that the server itself needs stay',
      async visit(tour) {
        const query = { dryRun: 'All' };
        for (const name of ['default', 'kube-system']) await tour.call(403, 'DELETE', namespaces(name), { query });
      },
    },
    {
      says: 'an object with a finalizer goes when the finalizer goes',
      async visit(tour) {
        const finalizers = ['jouleops.dev/test'];
        await tour.call(201, 'POST', versions(tour), { body: version('a', {}, { finalizers }) });
        await tour.call(200, 'DELETE', versions(tour, 'a'));
        await tour.call(200, 'GET', versions(tour, 'a'));
        await tour.call(200, 'DELETE', versions(tour, 'a'));
        await tour.call(200, 'PATCH', versions(tour, 'a'), { body: { metadata: { finalizers: null } }, contentType: merge });
        await tour.call(404, 'GET', versions(tour, 'a'));
      },
    },
    {
      says: 'an object that is going takes no new finalizer, but other changes',
      async visit(tour) {
        await tour.call(201, 'POST', versions(tour), { body: version('a', {}, { finalizers: ['jouleops.dev/test'] }) });
        await tour.call(200, 'DELETE', versions(tour, 'a'));
        const more = { metadata: { finalizers: ['jouleops.dev/test', 'jouleops.dev/more'] } };
        await tour.call(422, 'PATCH', versions(tour, 'a'), { body: more, contentType: merge });
        await tour.call(200, 'PATCH', versions(tour, 'a'), { body: { metadata: { labels: { a: 'b' } } }, contentType: merge });
        await tour.call(200, 'PATCH', versions(tour, 'a'), { body: { metadata: { finalizers: [] } }, contentType: merge });
      },
    },
    {
      says: 'what an object owns goes after it',
      needsControllerManager: true,
      async visit(tour) {
        await ownerAndDependent(tour);
        await tour.call(200, 'DELETE', deployments(tour, 'owner'), { query: { propagationPolicy: 'Background' } });
        await settled(tour, 404, () => true);
      },
    },
    {
      says: 'what an object owns goes after it by default',
      needsControllerManager: true,
      async visit(tour) {
        await ownerAndDependent(tour);
        await tour.call(200, 'DELETE', deployments(tour, 'owner'));
        await settled(tour, 404, () => true);
      },
    },
    {
      says: 'orphans stay and forget their owner',
      needsControllerManager: true,
      async visit(tour) {
        await ownerAndDependent(tour);
        const body = { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Orphan' };
        await tour.call(200, 'DELETE', deployments(tour, 'owner'), { body, ...quiet });
        await settled(tour, 200, (references) => references === '' || references === '[]');
        await eventually(() => tour.call(404, 'GET', deployments(tour, 'owner'), quiet), 30);
      },
    },
    {
      says: 'what names an owner that never was goes',
      needsControllerManager: true,
      async visit(tour) {
        const uid = '00000000-0000-0000-0000-000000000001';
        const reference = { apiVersion: 'jouleops.dev/v1alpha1', kind: 'ModelDeployment', name: 'owner', uid };
        await tour.call(201, 'POST', configMaps(tour), {
          body: configMap('dependent', { a: '1' }, { ownerReferences: [reference] }),
        });
        await settled(tour, 404, () => true);
      },
    },
    {
      says: 'two controllers of one object are refused',
      async visit(tour) {
        const reference = (name: string) => ({
          apiVersion: 'jouleops.dev/v1alpha1',
          kind: 'ModelDeployment',
          name,
          uid: '00000000-0000-0000-0000-000000000001',
          controller: true,
        });
        const body = configMap('a', {}, { ownerReferences: [reference('x'), reference('y')] });
        await tour.call(422, 'POST', configMaps(tour), { body });
      },
    },
    {
      says: 'a policy that does not exist is refused',
      async visit(tour) {
        await tour.call(201, 'POST', versions(tour), { body: version('a') });
        await tour.call(422, 'DELETE', versions(tour, 'a'), { query: { propagationPolicy: 'Perhaps' } });
      },
    },
  ],
};
