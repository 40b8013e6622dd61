// Which tests a device is told to run for a candidate. Pure.
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import type { EnergyTestOrder, TrafficTestOrder } from '../../../crds/model-instance.ts';
import { looks } from '../../../energy/measurement/sequential-test.ts';
import type { SlotSet } from '../scope.ts';

const defaultMaximumWindows = 96;
const defaultWindowSeconds = 300;
const defaultMinimumInferences = 200;
const windowsPerQuad = 4;
const [firstLook = 6] = looks;

type TestKind = EnergyTestOrder['kind'];

export interface TestRun {
  /** Which look the class waits for, from 1. */
  look: number;
  /** Counts tests that were given up and ordered again. */
  attempt?: number;
}

/** A test with the same id is not run again, more windows of it are added; other criteria or another attempt make another test. */
function idOf(revision: string, criteriaHash: string, kind: TestKind | 'Traffic', { attempt = 0 }: TestRun): string {
  return `${orderPrefix(revision)}${criteriaHash.slice(0, 6)}.${kind.toLowerCase()}${attempt === 0 ? '' : `.${attempt}`}`;
}

/** Whether an order is of the same comparison, this attempt or an earlier one. */
export function isSameTraffic(order: TrafficTestOrder, wanted: TrafficTestOrder): boolean {
  const ofFirst = (id: string) => id.replace(/(?<=\.traffic)\.\d+$/, '');
  return ofFirst(order.id) === ofFirst(wanted.id);
}

const daily = '.daily-';

/** @param dueTime milliseconds since the epoch; one test a day. */
export function orderDailyTest(
  deployment: ModelDeployment,
  revision: string,
  criteriaHash: string,
  dueTime: number,
): EnergyTestOrder {
  const id = `${orderPrefix(revision)}${criteriaHash.slice(0, 6)}${daily}${new Date(dueTime).toISOString().slice(0, 10)}`;
  return { id, kind: 'Absolute', windows: windowsAt(deployment, 'Absolute', 1) };
}

export function isDailyTest(order: { id: string }): boolean {
  return order.id.includes(daily);
}

export function isTestOf(order: { id: string }, revision: string): boolean {
  return order.id.startsWith(orderPrefix(revision));
}

/** The end of a long name is what tells it from others. */
function orderPrefix(revision: string): string {
  return `${revision.slice(-80)}.`;
}

/** Paired wherever another model serves beside the candidate and the budget allows the four windows of each of six quads. */
export function energyTestKind(deployment: ModelDeployment, revision: string, slots: SlotSet): TestKind {
  return isBeside(deployment, revision, slots) && maximumOf(deployment, 'Paired') >= firstLook ? 'Paired' : 'Absolute';
}

export function orderEnergyTest(
  deployment: ModelDeployment,
  revision: string,
  criteriaHash: string,
  kind: TestKind,
  run: TestRun,
): EnergyTestOrder {
  return { id: idOf(revision, criteriaHash, kind, run), kind, windows: windowsAt(deployment, kind, run.look) };
}

/** Nothing to compare with where nothing serves, and in strategy Recreate, where the two are never there at once. */
export function orderTrafficTest(
  deployment: ModelDeployment,
  revision: string,
  criteriaHash: string,
  slots: SlotSet,
  run: TestRun,
): TrafficTestOrder | undefined {
  if (!isBeside(deployment, revision, slots)) return undefined;
  const { rollout, budget } = deployment.spec;
  return {
    id: idOf(revision, criteriaHash, 'Traffic', run),
    windowSeconds: rollout?.analysis?.windowSeconds ?? defaultWindowSeconds,
    minimumInferences: budget.minimumInferences ?? defaultMinimumInferences,
    ...(rollout?.analysis?.minimumAgreementPermille === undefined ? {} : { compareAnswers: true }),
  };
}

/** Windows, or quads when paired, that have to be done at a look. */
function windowsAt(deployment: ModelDeployment, kind: TestKind, look: number): number {
  const counts = countsOf(deployment, kind);
  return counts[Math.min(look, counts.length) - 1] ?? firstLook;
}

export function hasMoreLooks(deployment: ModelDeployment, kind: TestKind, look: number): boolean {
  return look < countsOf(deployment, kind).length;
}

/** What `energyTest.maximumWindows` allows of windows, or of quads. */
export function maximumOf({ spec }: ModelDeployment, kind: TestKind): number {
  const windows = spec.budget.energyTest?.maximumWindows ?? defaultMaximumWindows;
  return kind === 'Paired' ? Math.floor(windows / windowsPerQuad) : windows;
}

/** The looks that the maximum leaves; what it cuts off becomes the last one. */
function countsOf(deployment: ModelDeployment, kind: TestKind): number[] {
  const maximum = maximumOf(deployment, kind);
  const whole = looks.filter((count) => count <= maximum);
  const last = looks.at(-1) ?? firstLook;
  return maximum < last && !whole.includes(maximum) ? [...whole, maximum] : whole;
}

function isBeside({ spec }: ModelDeployment, revision: string, { active }: SlotSet): boolean {
  return active !== undefined && active.revision !== revision && spec.rollout?.strategy !== 'Recreate';
}
