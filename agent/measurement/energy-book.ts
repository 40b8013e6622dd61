// What is known of the energy of each revision on this device, and how it stands to its budget.
import type { EnergyReading, Slot } from '../../crds/model-instance.ts';
import type { Boundary } from '../../crds/shared.ts';
import { meanLogInterval } from '../../energy/measurement/intervals.ts';
import { type Judgement, judgeMeasurement, quantityAt } from '../../energy/prediction/verdict.ts';
import { formatEnergy, parseEnergy } from '../../energy/units.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { NodePower } from '../power/node-power.ts';
import { inferencesIn, whyNoEnergy, windowsBelowResolution } from './absent-energy.ts';
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

  /** Forgets revisions that no slot names any more. */
  keepOnly(revisions: ReadonlySet<string>): void {
    for (const revision of this.#known.keys()) if (!revisions.has(revision)) this.#known.delete(revision);
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
    const absent = energy ? undefined : this.#absent(slot, boundary);
    const shown = energy ?? this.#shared(slot, boundary);
    return {
      ...(shown === undefined ? {} : { energy: shown }),
      ...(absent === undefined ? {} : { energyAbsent: absent }),
      ...(last === undefined ? {} : { windowEnergy: formatEnergy(last.windowJoules) }),
      judgement: this.#judge(slot, boundary, energy, absent),
    };
  }

  /** At least six exclusive windows, as many inferences as the budget asks for, and more energy than the meter can tell from nothing. */
  #operation(slot: Slot, boundary: Boundary, confidencePercent: number): EnergyReading | undefined {
    const windows = this.#windowsOf(slot, boundary).filter((window) => (window.joulesPerInference ?? 0) > 0);
    const inferences = inferencesIn(windows);
    const last = windows.at(-1);
    if (!last || windows.length < minimumWindows || inferences < minimumInferences(slot)) return undefined;
    const source = this.#power.at(boundary)?.source;
    if (source && windowsBelowResolution(this.#windowsOf(slot, boundary), source) !== undefined) return undefined;
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
      time: last.id,
    };
  }

  /** Those with a baseline. */
  #windowsOf({ revision }: Slot, boundary: Boundary): OperationWindow[] {
    const all = this.#known.get(revision)?.windows ?? [];
    return all.filter((window) => window.boundary === boundary && window.joulesPerInference !== undefined);
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

  #absent(slot: Slot, boundary: Boundary): { reason: string; message: string } {
    const meter = this.#power.at(boundary);
    if (!meter) return { reason: 'NoPowerSource', message: `this device has no power source at boundary ${boundary}` };
    const last = this.lastWindow(slot.revision, boundary);
    return whyNoEnergy({
      meter,
      windows: this.#windowsOf(slot, boundary),
      lacksBaseline: last !== undefined && last.joulesPerInference === undefined,
      throttledWindows: this.#known.get(slot.revision)?.throttledWindows ?? 0,
      minimumWindows,
      minimumInferences: minimumInferences(slot),
    });
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

function minimumInferences({ budget }: Slot): number {
  return budget?.minimumInferences ?? 200;
}
