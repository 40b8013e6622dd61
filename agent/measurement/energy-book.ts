// What is known of the energy of each revision on this device, and how it stands to its budget.
import type { EnergyReading, Slot } from '../../crds/model-instance.ts';
import type { Boundary } from '../../crds/shared.ts';
import { meanLogInterval } from '../../energy/measurement/intervals.ts';
import { type Judgement, judgeMeasurement, quantityAt } from '../../energy/prediction/verdict.ts';
import { formatEnergy, parseEnergy } from '../../energy/units.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { NodePower } from '../power/node-power.ts';
import type { OperationWindow } from './operation-windows.ts';

interface Known {
  windows: OperationWindow[];
  controlled?: EnergyReading;
  /** The last one that stood beside other models at work. */
  shared?: EnergyReading;
  /** Windows that do not count because the board was throttled in them. */
  throttledWindows: number;
}

export interface EnergyView {
  energy?: EnergyReading;
  energyAbsent?: { reason: string; message: string };
  windowEnergy?: string;
  coveragePermille?: number;
  judgement: Judgement | { verdict: 'Unknown'; reason: string; message: string };
}

const keptWindows = 60;
const minimumWindows = 6;
const gainRelativeSd = 0.01;
/** A shared reading stands on the windows of an hour. */
const sharedMilliseconds = 3_600_000;

export class EnergyBook {
  readonly #power: NodePower;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();
  readonly #deviceClassName: () => string | undefined;

  constructor(deps: { power: NodePower; clock: Clock; deviceClassName: () => string | undefined }) {
    this.#power = deps.power;
    this.#clock = deps.clock;
    this.#deviceClassName = deps.deviceClassName;
  }

  recordWindow(revision: string, window: OperationWindow): void {
    const known = this.#of(revision);
    if (window.throttled) {
      known.throttledWindows++;
      return;
    }
    known.windows.push(window);
    const atBoundary = known.windows.filter((other) => other.boundary === window.boundary);
    if (atBoundary.length > keptWindows)
      known.windows.splice(
        known.windows.findIndex((other) => other.boundary === window.boundary),
        1,
      );
  }

  recordControlled(revision: string, reading: EnergyReading): void {
    this.#of(revision).controlled = reading;
  }

  /** What a regression says of a model at work beside others: shown where nothing better is known, and never compared with a budget. */
  recordShared(revision: string, reading: EnergyReading): void {
    this.#of(revision).shared = reading;
  }

  /** Windows from before a restart: the interval stands on them as it did. */
  restore(records: readonly { revision: string; windows: readonly OperationWindow[] }[]): void {
    for (const { revision, windows } of records) this.#of(revision).windows.push(...windows);
  }

  /** The windows of these revisions, for the disk. */
  records(revisions: ReadonlySet<string>): { revision: string; windows: OperationWindow[] }[] {
    return [...this.#known].flatMap(([revision, { windows }]) =>
      revisions.has(revision) && windows.length > 0 ? [{ revision, windows }] : [],
    );
  }

  forget(revision: string): void {
    this.#known.delete(revision);
  }

  lastWindow(revision: string, boundary: Boundary): OperationWindow | undefined {
    return this.#known.get(revision)?.windows.findLast((window) => window.boundary === boundary);
  }

  /** The reading that is shown of a slot, and the judgement of what counts for its budget. Without a source: Unknown, and why. */
  view(slot: Slot): EnergyView {
    const boundary = slot.budget?.boundary ?? 'Board';
    const confidencePercent = slot.budget?.confidencePercent ?? 90;
    const energy = this.#operation(slot, boundary, confidencePercent) ?? this.#controlled(slot, boundary);
    const last = this.lastWindow(slot.revision, boundary);
    const absent = energy ? undefined : this.#absent(slot.revision, boundary, last);
    const shown = energy ?? this.#shared(slot, boundary);
    return {
      ...(shown === undefined ? {} : { energy: shown }),
      ...(absent === undefined ? {} : { energyAbsent: absent }),
      ...(last === undefined ? {} : { windowEnergy: formatEnergy(last.windowJoules) }),
      judgement: this.#judge(slot, boundary, energy, absent),
    };
  }

  /** At least six exclusive windows and as many inferences as the budget asks for. */
  #operation(slot: Slot, boundary: Boundary, confidencePercent: number): EnergyReading | undefined {
    const windows =
      this.#known
        .get(slot.revision)
        ?.windows.filter((window) => window.boundary === boundary && (window.joulesPerInference ?? 0) > 0) ?? [];
    const inferences = windows.reduce((sum, window) => sum + window.inferences, 0);
    const last = windows.at(-1);
    if (!last || windows.length < minimumWindows || inferences < (slot.budget?.minimumInferences ?? 200)) return undefined;
    const interval = meanLogInterval(
      windows.map((window) => window.joulesPerInference ?? 0),
      {
        confidencePercent,
        gainRelativeSd,
        baselineRelativeSd: windows.reduce((sum, window) => sum + window.baselineRelativeSd, 0) / windows.length,
      },
    );
    return {
      value: formatEnergy(interval.estimate),
      lower: formatEnergy(interval.lower),
      upper: formatEnergy(interval.upper),
      quantity: quantityAt(boundary),
      boundary,
      source: last.source,
      attribution: 'Exclusive',
      inferences,
      time: new Date(this.#clock.now()).toISOString(),
    };
  }

  #controlled(slot: Slot, boundary: Boundary): EnergyReading | undefined {
    const reading = this.#known.get(slot.revision)?.controlled;
    return reading?.boundary === boundary ? reading : undefined;
  }

  #shared(slot: Slot, boundary: Boundary): EnergyReading | undefined {
    const reading = this.#known.get(slot.revision)?.shared;
    const isFresh = reading && this.#clock.now() - Date.parse(reading.time) < sharedMilliseconds;
    return isFresh && reading.boundary === boundary ? reading : undefined;
  }

  #absent(revision: string, boundary: Boundary, last: OperationWindow | undefined): { reason: string; message: string } {
    if (!this.#power.at(boundary))
      return { reason: 'NoPowerSource', message: `this device has no power source at boundary ${boundary}` };
    if (last && last.joulesPerInference === undefined)
      return { reason: 'NoIdlePower', message: 'the idle power was not measured yet: the device was never idle long enough' };
    const throttled = this.#known.get(revision)?.throttledWindows ?? 0;
    const tooFew = `fewer than ${minimumWindows} windows in which this model alone was at work`;
    // A reason of its own: a message that changes alone is not written for minutes.
    return throttled === 0
      ? { reason: 'NotMeasuredYet', message: tooFew }
      : { reason: 'Throttled', message: `${tooFew}; ${throttled} in which the board was throttled do not count` };
  }

  #judge(
    slot: Slot,
    boundary: Boundary,
    energy: EnergyReading | undefined,
    absent: { reason: string; message: string } | undefined,
  ): EnergyView['judgement'] {
    const budget = this.#budgetOf(slot);
    if (budget === undefined)
      return {
        verdict: 'Unknown',
        reason: 'NotMeasuredYet',
        message: 'the budget names no energyPerInference',
      };
    if (!energy) return { verdict: 'Unknown', ...(absent ?? { reason: 'NotMeasuredYet', message: 'nothing was measured yet' }) };
    return judgeMeasurement({
      budgetJoules: parseEnergy(budget),
      boundary,
      quantity: quantityAt(boundary),
      reading: {
        estimate: parseEnergy(energy.value),
        lower: parseEnergy(energy.lower),
        upper: parseEnergy(energy.upper),
        boundary: energy.boundary,
        quantity: energy.quantity,
        source: energy.source,
      },
    });
  }

  #budgetOf(slot: Slot): string | undefined {
    const own = slot.budget?.byClass?.find((entry) => entry.deviceClassName === this.#deviceClassName());
    return own?.energyPerInference ?? slot.budget?.energyPerInference;
  }

  #of(revision: string): Known {
    const known = this.#known.get(revision) ?? { windows: [], throttledWindows: 0 };
    this.#known.set(revision, known);
    return known;
  }
}
