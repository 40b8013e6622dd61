import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type InstanceWorld, planInstance } from '../../../agent/serving/plan-instance.ts';
import type { Slot } from '../../../crds/model-instance.ts';

const slot = (revision: string): Slot => ({
  revision,
  modelVersionName: 'm',
  modelVersion: revision,
  variant: 'fp32',
  digest: `sha256:${'0'.repeat(64)}`,
  size: 1,
});
const world = (more: Partial<InstanceWorld>): InstanceWorld => ({
  strategy: 'Parallel',
  hold: false,
  fetched: new Set(),
  loaded: new Set(),
  ...more,
});
const set = (...names: string[]) => new Set(names);
const revisions = (slots: readonly Slot[]) => slots.map((entry) => entry.revision);

describe('the next steps of an instance', () => {
  it('fetches the active slot first, then the candidate, then the previous one', () => {
    const plan = planInstance(world({ previous: slot('r1'), active: slot('r2'), candidate: slot('r3') }));
    expect(revisions(plan.fetch)).toEqual(['r2', 'r3', 'r1']);
    expect(plan.load).toEqual([]);
  });

  it('lets the old model answer until the new one is loaded, then unloads it', () => {
    const before = planInstance(world({ active: slot('r2'), fetched: set('r1', 'r2'), loaded: set('r1'), routed: 'r1' }));
    expect(before).toMatchObject({ routeActive: 'r1', unload: [] });
    expect(revisions(before.load)).toEqual(['r2']);
    const after = planInstance(world({ active: slot('r2'), fetched: set('r1', 'r2'), loaded: set('r1', 'r2'), routed: 'r1' }));
    expect(after).toMatchObject({ routeActive: 'r2', unload: ['r1'] });
  });

  it('starts with what served last when the goal is not on disk', () => {
    const begun = planInstance(world({ active: slot('r2'), lastServed: slot('r1'), fetched: set('r1') }));
    expect(revisions(begun.load)).toEqual(['r1']);
    const answering = planInstance(world({ active: slot('r2'), lastServed: slot('r1'), fetched: set('r1'), loaded: set('r1') }));
    expect(answering.routeActive).toBe('r1');
  });

  it('promotes a candidate by moving a pointer', () => {
    const plan = planInstance(
      world({ active: slot('r2'), previous: slot('r1'), fetched: set('r1', 'r2'), loaded: set('r1', 'r2'), routed: 'r1' }),
    );
    expect(plan).toMatchObject({ routeActive: 'r2', load: [], unload: ['r1'] });
  });

  it('makes way first with Recreate, but only once the new bytes are here', () => {
    const waiting = planInstance(
      world({ strategy: 'Recreate', active: slot('r2'), fetched: set('r1'), loaded: set('r1'), routed: 'r1' }),
    );
    expect(waiting).toMatchObject({ routeActive: 'r1', unload: [] });
    const going = planInstance(
      world({ strategy: 'Recreate', active: slot('r2'), fetched: set('r1', 'r2'), loaded: set('r1'), routed: 'r1' }),
    );
    expect(going.unload).toEqual(['r1']);
    expect(going.routeActive).toBeUndefined();
  });

  it('activates nothing while on hold, and goes on fetching', () => {
    const plan = planInstance(
      world({ hold: true, active: slot('r2'), lastServed: slot('r1'), fetched: set('r1'), loaded: set('r1'), routed: 'r1' }),
    );
    expect(revisions(plan.fetch)).toEqual(['r2']);
    const fetched = planInstance(
      world({
        hold: true,
        active: slot('r2'),
        lastServed: slot('r1'),
        fetched: set('r1', 'r2'),
        loaded: set('r1'),
        routed: 'r1',
      }),
    );
    expect(fetched).toMatchObject({ load: [], routeActive: 'r1', unload: [] });
  });

  it('begins no test while on hold, and ends none that is under way', () => {
    const beside = { hold: true, active: slot('r1'), candidate: slot('r2'), fetched: set('r1', 'r2'), routed: 'r1' };
    expect(planInstance(world({ ...beside, loaded: set('r1') }))).toMatchObject({ load: [], routeActive: 'r1', unload: [] });
    const underWay = planInstance(world({ ...beside, loaded: set('r1', 'r2') }));
    expect(underWay).toMatchObject({ routeActive: 'r1', routeCandidate: 'r2', unload: [] });
    const first = planInstance(world({ hold: true, candidate: slot('r1'), fetched: set('r1') }));
    expect(revisions(first.load), 'where nothing serves yet there is nothing to leave as it is').toEqual(['r1']);
  });

  it('serves the previous revision after a step back of its own, or nothing', () => {
    const back = planInstance(
      world({
        active: slot('r2'),
        previous: slot('r1'),
        rolledBackFrom: 'r2',
        fetched: set('r1', 'r2'),
        loaded: set('r1', 'r2'),
        routed: 'r2',
      }),
    );
    expect(back).toMatchObject({ routeActive: 'r1', unload: ['r2'] });
    const stopped = planInstance(
      world({ active: slot('r2'), rolledBackFrom: 'r2', fetched: set('r2'), loaded: set('r2'), routed: 'r2' }),
    );
    expect(stopped.routeActive).toBeUndefined();
    expect(stopped.unload).toEqual(['r2']);
  });

  it('reaches its goal from any state in a bounded number of steps, never silent when it could answer with Parallel', () => {
    const revision = fc.constantFrom('r1', 'r2', 'r3');
    const some = fc.uniqueArray(revision);
    const strategies = fc.constantFrom<InstanceWorld['strategy']>('Parallel', 'Recreate');
    fc.assert(
      fc.property(some, some, revision, fc.option(revision), strategies, (onDisk, inMemory, active, candidate, strategy) => {
        const state = { fetched: new Set([...onDisk, ...inMemory]), loaded: new Set(inMemory), routed: inMemory[0] };
        const wanted = { strategy, active: slot(active), ...(candidate === null ? {} : { candidate: slot(candidate) }) };
        for (let step = 0; step < 8; step++) {
          const couldAnswer = state.routed !== undefined;
          advance(state, wanted);
          if (strategy === 'Parallel' && couldAnswer) expect(state.routed).toBeDefined();
        }
        expect(state.routed).toBe(active);
      }),
    );
  });
});

interface State {
  fetched: Set<string>;
  loaded: Set<string>;
  routed: string | undefined;
}

/** Carries a plan out at once. */
function advance(state: State, wanted: Partial<InstanceWorld>): void {
  const { fetched, loaded, routed } = state;
  const plan = planInstance(
    world({ ...wanted, fetched: new Set(fetched), loaded: new Set(loaded), ...(routed ? { routed } : {}) }),
  );
  state.routed = plan.routeActive;
  for (const name of plan.unload) loaded.delete(name);
  for (const entry of plan.fetch) fetched.add(entry.revision);
  for (const entry of plan.load) loaded.add(entry.revision);
}
