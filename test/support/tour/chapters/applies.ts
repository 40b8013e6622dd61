import { applyAs, fields } from '../apply-as.ts';
import type { TourChapter } from '../case.ts';
import { apply, condition, deployment, deployments } from '../paths.ts';

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
        await applyAs(tour, 'one', 201, deployment('a'));
        const first = await applyAs(tour, 'one', 200, deployment('a', { priority: 1 }));
        const second = await applyAs(tour, 'one', 200, deployment('a', { priority: 1 }));
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
        const options = { subresource: 'status', force: true } as const;
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
