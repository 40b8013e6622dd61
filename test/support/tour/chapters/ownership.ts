import { applyAs, fields } from '../apply-as.ts';
import type { TourChapter } from '../case.ts';
import { apply, deployment, deployments, device, devices, merge } from '../paths.ts';

export const ownership: TourChapter = {
  title: 'Who owns what',
  cases: [
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
      says: 'an apply that empties a value leaves null, which is refused where null may not be',
      async visit(tour) {
        await applyAs(tour, 'one', 201, deployment('a', { load: { requestRate: '5/s' } }));
        await applyAs(tour, 'one', 422, deployment('a', { load: {} }));
        await applyAs(tour, 'one', 200, deployment('a'));
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
  ],
};
