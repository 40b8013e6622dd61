// What each model draws while several take turns on one board: non-negative least squares of power on each one's own time, over the
// windows of the last hour. It tells models apart only as far as their loads varied apart; its bounds say how far.
import { type AttributionWindow, attribute } from '../../energy/measurement/attribution.ts';
import type { PowerMeter } from '../power/power-meter.ts';
import type { OperationInterval } from './operation-windows.ts';

/** Above what the board draws without any work. */
export interface WorkingWatts {
  estimate: number;
  lower: number;
  upper: number;
}

interface Kept {
  window: AttributionWindow;
  /** Milliseconds since the epoch. */
  to: number;
}

const keptMilliseconds = 3_600_000;
/** An hour of windows of ten seconds. */
const maximumWindows = 360;
/** Of each bound: what readings and budgets use unless they say otherwise. */
const confidencePercent = 90;

export class SharedPower {
  /** By power source. */
  readonly #kept = new Map<string, Kept[]>();

  add(interval: OperationInterval): void {
    if (interval.disturbed || interval.throttled) return;
    const { to, seconds, models } = interval;
    const modelCpuSeconds: Record<string, number> = {};
    for (const { model, modelSeconds } of models)
      if (modelSeconds > 0) modelCpuSeconds[model.slot.revision] = (modelCpuSeconds[model.slot.revision] ?? 0) + modelSeconds;
    const ofModels = Object.values(modelCpuSeconds).reduce((sum, value) => sum + value, 0);
    const otherCpuSeconds = Math.max(0, (interval.cpuSeconds ?? ofModels) - ofModels);
    for (const { meter, joules } of interval.meters) {
      const list = this.#kept.get(meter.source.name) ?? [];
      list.push({ to, window: { seconds, joules, modelCpuSeconds, otherCpuSeconds } });
      const recent = list.filter((kept) => kept.to > to - keptMilliseconds);
      this.#kept.set(meter.source.name, recent.slice(-maximumWindows));
    }
  }

  /** By revision, while it computes. Empty from too few windows. Of a model whose time never varied by itself, nothing is known up to infinity. */
  workingWatts(meter: PowerMeter): ReadonlyMap<string, WorkingWatts> {
    const windows = (this.#kept.get(meter.source.name) ?? []).map(({ window }) => window);
    const { models = {} } = attribute(windows, confidencePercent) ?? {};
    return new Map(
      Object.entries(models).map(([revision, { joulesPerCpuSecond, lowerPerCpuSecond, upperPerCpuSecond }]) => [
        revision,
        { estimate: joulesPerCpuSecond, lower: lowerPerCpuSecond, upper: upperPerCpuSecond },
      ]),
    );
  }
}
