import type { TourChapter } from '../case.ts';
import { apply, condition, deployment, deployments, device, devices, merge } from '../paths.ts';
import type { Answer, CallOptions, Tour } from '../tour.ts';

interface Applied extends CallOptions {
  force?: boolean;
  query?: Record<string, string>;
}

/** Applies to the deployment `a` (or its status) as one manager. */
function applyAs(
  tour: Tour,
  manager: string,
  status: number | readonly number[],
  body: unknown,
  options: Applied & { subresource?: string } = {},
): Promise<Answer> {
  const query = { fieldManager: manager, ...(options.force ? { force: 'true' } : {}), ...options.query };
  return tour.call(status, 'PATCH', deployments(tour, 'a', options.subresource), { body, contentType: apply, query });
}

/** The identity of `a`, and the fields that a manager wants to own. */
const fields = (parts: Record<string, unknown>, metadata: Record<string, unknown> = {}) => ({
  apiVersion: 'jouleops.dev/v1alpha1',
  kind: 'ModelDeployment',
  metadata: { name: 'a', ...metadata },
  ...parts,
});

const status = (parts: Record<string, unknown>) => fields({ status: parts });

export const applies: TourChapter = {
  title: 'Server-side apply',
  cases: [
    {
      says: 'an apply creates, and owns what it said',
      async visit(tour) {
        await applyAs(tour, 'one', 201, deployment('a'));
        await tour.call(200, 'GET', deployments(tour, 'a'));
      },
    },
    {
      says: 'the same apply again makes no version',
      async visit(tour) {
        const first = await applyAs(tour, 'one', 201, deployment('a'));
        const second = await applyAs(tour, 'one', 200, deployment('a'));
        tour.observe('same version', first.at('metadata.resourceVersion') === second.at('metadata.resourceVersion'));
      },
    },
    {
      says: 'an apply needs a manager',
      async visit(tour) {
        await tour.call(422, 'PATCH', deployments(tour, 'a'), { body: deployment('a'), contentType: apply });
      },
    },
    {
      says: 'an apply in YAML',
      async visit(tour) {
        const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  key: value\n';
        const path = `/api/v1/namespaces/${tour.namespace}/configmaps/a`;
        await tour.call(201, 'PATCH', path, { body, contentType: apply, query: { fieldManager: 'one' } });
      },
    },
    {
      says: 'a value that another manager owns is a Conflict, with force it is taken',
      async visit(tour) {
        await applyAs(tour, 'one', 201, deployment('a', { priority: 1 }));
        await applyAs(tour, 'two', 409, fields({ spec: { priority: 2 } }));
        await applyAs(tour, 'two', 200, fields({ spec: { priority: 2 } }), { force: true });
      },
    },
    {
      says: 'two managers share a value that both say',
      async visit(tour) {
        await applyAs(tour, 'one', 201, deployment('a', { priority: 1 }));
        await applyAs(tour, 'two', 200, fields({ spec: { priority: 1 } }));
        await applyAs(tour, 'one', 200, deployment('a'));
        await applyAs(tour, 'two', 200, fields({ spec: {} }));
      },
    },
    {
      says: 'what a manager no longer says goes',
      async visit(tour) {
        await applyAs(tour, 'one', 201, deployment('a', { priority: 1, load: { requestRate: '5/s' } }, { labels: { x: 'y' } }));
        await applyAs(tour, 'one', 200, deployment('a', { priority: 1 }));
      },
    },
    {
      says: 'what another wrote stays when a manager stops saying it',
      async visit(tour) {
        await tour.call(201, 'POST', deployments(tour), {
          body: deployment('a', { priority: 1 }),
          query: { fieldManager: 'writer' },
        });
        await applyAs(tour, 'one', 200, fields({ spec: { priority: 1 } }));
        await applyAs(tour, 'one', 200, fields({}));
      },
    },
    {
      says: 'an apply over a written value is a Conflict that names the writer',
      async visit(tour) {
        await tour.call(201, 'POST', deployments(tour), {
          body: deployment('a', { priority: 1 }),
          query: { fieldManager: 'writer' },
        });
        await applyAs(tour, 'one', 409, fields({ spec: { priority: 2 } }));
        await applyAs(tour, 'one', 200, fields({ spec: { priority: 2 } }), { force: true });
      },
    },
    {
      says: 'a write takes the fields it changes from the manager that applied them',
      async visit(tour) {
        await applyAs(tour, 'one', 201, deployment('a', { priority: 1 }, { labels: { x: 'y' } }));
        const body = { spec: { priority: 2 } };
        await tour.call(200, 'PATCH', deployments(tour, 'a'), { body, contentType: merge, query: { fieldManager: 'writer' } });
        await applyAs(tour, 'one', 409, deployment('a', { priority: 1 }));
      },
    },
    {
      says: 'labels and annotations are owned one by one',
      async visit(tour) {
        await applyAs(tour, 'one', 201, deployment('a', {}, { labels: { one: 'x' }, annotations: { n: '1' } }));
        await applyAs(tour, 'two', 200, fields({}, { labels: { two: 'y' } }));
        await applyAs(tour, 'one', 200, deployment('a'));
      },
    },
    {
      says: 'items of a list with keys are owned one by one',
      async visit(tour) {
        const name = tour.namespace;
        const said = (...taints: Record<string, unknown>[]) => device(name, { taints });
        const as = (manager: string, expected: number, body: unknown) =>
          tour.call(expected, 'PATCH', devices(name), { body, contentType: apply, query: { fieldManager: manager } });
        await as('one', 201, said({ key: 'a', effect: 'NoServing', value: '1' }));
        await as('two', 200, said({ key: 'b', effect: 'NoServing' }));
        await as('two', 409, said({ key: 'a', effect: 'NoServing', value: '2' }));
        await as('one', 200, said());
        await tour.call(200, 'DELETE', devices(name), { unrecorded: true });
      },
    },
    {
      says: 'one key twice in an apply is refused',
      async visit(tour) {
        const name = tour.namespace;
        const taints = [
          { key: 'a', effect: 'NoServing', value: '1' },
          { key: 'a', effect: 'NoServing', value: '2' },
        ];
        const query = { fieldManager: 'one' };
        await tour.call(500, 'PATCH', devices(name), { body: device(name, { taints }), contentType: apply, query });
      },
    },
    {
      says: 'values of a set are owned one by one',
      async visit(tour) {
        const placement = (...deviceClassNames: string[]) => ({ placement: { deviceClassNames } });
        await applyAs(tour, 'one', 201, deployment('a', placement('a', 'b')));
        await applyAs(tour, 'two', 200, fields({ spec: placement('b', 'c') }));
        await applyAs(tour, 'one', 200, deployment('a', placement('a')));
        await applyAs(tour, 'two', 200, fields({}));
      },
    },
    {
      says: 'an atomic list has one owner',
      async visit(tour) {
        const rollout = (devices: number) => ({ rollout: { steps: [{ devices }, { percent: 100 }] } });
        await applyAs(tour, 'one', 201, deployment('a', rollout(1)));
        await applyAs(tour, 'two', 409, fields({ spec: rollout(2) }));
        await applyAs(tour, 'two', 200, fields({ spec: rollout(2) }), { force: true });
      },
    },
    {
      says: 'an atomic map has one owner',
      async visit(tour) {
        const selector = (site: string) => ({ placement: { deviceSelector: { matchLabels: { site } } } });
        await applyAs(tour, 'one', 201, deployment('a', selector('x')));
        await applyAs(tour, 'two', 409, fields({ spec: selector('y') }));
      },
    },
    {
      says: 'defaults belong to nobody until somebody says them, and come back',
      async visit(tour) {
        await applyAs(tour, 'one', 201, deployment('a'));
        await applyAs(tour, 'two', 200, fields({ spec: { budget: { windowSeconds: 60 } } }));
        await applyAs(tour, 'two', 200, fields({}));
      },
    },
    {
      says: 'a default equals what is said to equal it',
      async visit(tour) {
        await applyAs(tour, 'one', 201, deployment('a'));
        await applyAs(tour, 'two', 200, fields({ spec: { budget: { windowSeconds: 300 } } }));
        await applyAs(tour, 'one', 200, deployment('a', { budget: { energyPerInference: '80mJ', windowSeconds: 300 } }));
      },
    },
    {
      says: 'status and spec are applied through different doors',
      async visit(tour) {
        await applyAs(tour, 'one', 201, { ...deployment('a'), status: { currentRevision: 'a-1' } });
        const body = { ...fields({ spec: { priority: 9 } }, { labels: { x: 'y' } }), status: { currentRevision: 'a-2' } };
        await applyAs(tour, 'one', 200, body, { subresource: 'status' });
      },
    },
    {
      says: 'two managers own their own conditions of one status',
      async visit(tour) {
        await applyAs(tour, 'one', 201, deployment('a'));
        const options = { subresource: 'status', force: true };
        await applyAs(tour, 'one', 200, status({ conditions: [condition('Ready', 'False')] }), options);
        await applyAs(tour, 'two', 200, status({ conditions: [condition('Placed', 'True')] }), options);
        await applyAs(tour, 'one', 200, status({ conditions: [condition('Ready', 'True')], currentRevision: 'a-1' }), options);
        await applyAs(tour, 'one', 200, status({}), options);
      },
    },
    {
      says: 'a status of nothing is not found',
      async visit(tour) {
        await applyAs(tour, 'one', 404, status({ currentRevision: 'a-1' }), { subresource: 'status' });
      },
    },
    {
      says: 'a dry apply keeps nothing',
      async visit(tour) {
        await applyAs(tour, 'one', 201, deployment('a'), { query: { dryRun: 'All' } });
        await tour.call(404, 'GET', deployments(tour, 'a'));
        await applyAs(tour, 'one', 201, deployment('a'));
        await applyAs(tour, 'one', 200, deployment('a', { priority: 5 }), { query: { dryRun: 'All' } });
        await tour.call(200, 'GET', deployments(tour, 'a'));
      },
    },
    {
      says: 'an apply with a uid never makes another object',
      async visit(tour) {
        const uid = '00000000-0000-0000-0000-000000000000';
        await applyAs(tour, 'one', 409, deployment('a', {}, { uid }));
        await applyAs(tour, 'one', 201, deployment('a'));
        await applyAs(tour, 'one', [409, 422], deployment('a', {}, { uid }));
      },
    },
    {
      says: 'an apply with an old version is a Conflict',
      async visit(tour) {
        const first = await applyAs(tour, 'one', 201, deployment('a'));
        const resourceVersion = first.at('metadata.resourceVersion');
        await applyAs(tour, 'one', 200, deployment('a', { priority: 1 }, { resourceVersion }));
        await applyAs(tour, 'one', 409, deployment('a', { priority: 2 }, { resourceVersion }));
      },
    },
    {
      says: 'an apply that says managedFields is refused',
      async visit(tour) {
        const first = await applyAs(tour, 'one', 201, deployment('a'));
        const managedFields = JSON.parse(first.at('metadata.managedFields')) as unknown;
        await applyAs(tour, 'one', 400, deployment('a', {}, { managedFields }));
      },
    },
    {
      says: 'an apply of something invalid is refused',
      async visit(tour) {
        await applyAs(tour, 'one', 422, deployment('a', { budget: {} }));
      },
    },
    {
      says: 'an apply of a field that does not exist is refused',
      async visit(tour) {
        await applyAs(tour, 'one', 500, deployment('a', { unicorns: 1 }));
      },
    },
    {
      says: 'a writer is known by its user agent when it gives no name',
      async visit(tour) {
        await tour.call(201, 'POST', deployments(tour), { body: deployment('a') });
      },
    },
    {
      says: 'ownership is reset by an empty list',
      async visit(tour) {
        await applyAs(tour, 'one', 201, deployment('a'));
        const body = [{ op: 'replace', path: '/metadata/managedFields', value: [{}] }];
        await tour.call(200, 'PATCH', deployments(tour, 'a'), { body, contentType: 'application/json-patch+json' });
      },
    },
  ],
};
