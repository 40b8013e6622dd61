// Decides the next steps of one instance from what is wanted and what there is. Pure.
import type { Slot } from '../../crds/model-instance.ts';

export interface InstanceWorld {
  active?: Slot;
  candidate?: Slot;
  previous?: Slot;
  /** What served before a restart of the agent. */
  lastServed?: Slot;
  /** The revision that this device left by its own decision. */
  rolledBackFrom?: string;
  /** With rolledBackFrom: to nothing, not to the previous one. */
  stopped?: boolean;
  strategy: 'Parallel' | 'Recreate';
  /** Activation waits, and so does the test of a candidate; fetching goes on. */
  hold: boolean;
  /** Revisions whose bytes are on disk and verified. */
  fetched: ReadonlySet<string>;
  /** Revisions that are loaded and have passed their golden set. */
  loaded: ReadonlySet<string>;
  /** The revision that answers requests now. */
  routed?: string;
}

export interface InstancePlan {
  /** In this order. */
  fetch: Slot[];
  load: Slot[];
  routeActive?: string;
  routeCandidate?: string;
  /** After routes have changed and requests have left. */
  unload: string[];
  /** What should answer once it is loaded. */
  goal?: Slot;
}

export function planInstance(world: InstanceWorld): InstancePlan {
  const goal = goalOf(world);
  const standIn = standInOf(world, goal);
  const candidate = world.candidate && world.candidate.revision !== goal?.revision ? world.candidate : undefined;
  const wanted = distinct([standIn, goal, candidate, world.active, world.previous]);

  const routeActive = routeOf(world, goal, standIn);
  const makeWay = mustMakeWay(world, goal) ? world.routed : undefined;
  const candidateFits = world.strategy === 'Parallel' || goal === undefined;

  // A test that is under way goes on; while on hold none begins, so nothing new takes requests, memory or energy.
  const candidateMayLoad = candidateFits && mayActivate(world);
  const load = distinct([standIn, mayActivate(world) ? goal : undefined, candidateMayLoad ? candidate : undefined]);
  const kept = new Set([routeActive, goal?.revision, standIn?.revision, candidateFits ? candidate?.revision : undefined]);
  if (makeWay !== undefined) kept.delete(makeWay);
  const route = makeWay === undefined ? routeActive : undefined;
  const routeCandidate = candidate && candidateFits && world.loaded.has(candidate.revision) ? candidate.revision : undefined;
  return {
    fetch: wanted.filter((slot) => !world.fetched.has(slot.revision)),
    load: load.filter((slot) => world.fetched.has(slot.revision) && !world.loaded.has(slot.revision)),
    ...(route === undefined ? {} : { routeActive: route }),
    ...(routeCandidate === undefined ? {} : { routeCandidate }),
    unload: [...world.loaded].filter((revision) => !kept.has(revision)),
    ...(goal === undefined ? {} : { goal }),
  };
}

/** A device that went back stays back until the controller names another active revision; without a previous one it serves nothing. */
function goalOf(world: InstanceWorld): Slot | undefined {
  if (world.active && world.rolledBackFrom === world.active.revision) return world.stopped ? undefined : world.previous;
  return world.active;
}

/** After a restart: what served last answers while the goal is still on its way. */
function standInOf(world: InstanceWorld, goal: Slot | undefined): Slot | undefined {
  const { lastServed } = world;
  if (!goal || !lastServed || lastServed.revision === goal.revision) return undefined;
  if (world.routed !== undefined && world.routed !== lastServed.revision) return undefined;
  if (world.routed === undefined && world.fetched.has(goal.revision) && !world.hold) return undefined;
  return world.loaded.has(goal.revision) ? undefined : lastServed;
}

function mayActivate(world: InstanceWorld): boolean {
  return !world.hold || (world.routed === undefined && world.lastServed === undefined);
}

function routeOf(world: InstanceWorld, goal: Slot | undefined, standIn: Slot | undefined): string | undefined {
  if (!goal) return undefined;
  if (world.loaded.has(goal.revision) && (mayActivate(world) || world.routed === goal.revision)) return goal.revision;
  if (world.routed !== undefined && world.loaded.has(world.routed)) return world.routed;
  return standIn && world.loaded.has(standIn.revision) ? standIn.revision : undefined;
}

/** Where two models do not fit, the old one goes first: a gap, but only once the new bytes are here. */
function mustMakeWay(world: InstanceWorld, goal: Slot | undefined): boolean {
  if (world.strategy !== 'Recreate' || !goal || !mayActivate(world)) return false;
  if (world.routed === undefined || world.routed === goal.revision) return false;
  return world.fetched.has(goal.revision) && !world.loaded.has(goal.revision);
}

function distinct(slots: readonly (Slot | undefined)[]): Slot[] {
  const seen = new Map<string, Slot>();
  for (const slot of slots) if (slot && !seen.has(slot.revision)) seen.set(slot.revision, slot);
  return [...seen.values()];
}
