// From the windows of a controlled loop to what its status says. Pure.
import type { EnergyReading, EnergyTestStatus } from '../../crds/model-instance.ts';
import type { Boundary } from '../../crds/shared.ts';
import { meanLogInterval } from '../../energy/measurement/intervals.ts';
import { quantityAt } from '../../energy/prediction/verdict.ts';
import { formatEnergy } from '../../energy/units.ts';
import { percentilesOf } from '../serving/model-statistics.ts';
import type { Baseline } from './idle-baseline.ts';
import type { WindowResult } from './load-window.ts';

/** Two windows of the active model around two of the candidate: drift of the board cancels. */
export interface Quad {
  active: [WindowResult, WindowResult];
  candidate: [WindowResult, WindowResult];
}

export interface Meterage {
  boundary: Boundary;
  source: string;
  /** Needed at CoreRail, where energy is counted above idle. */
  baseline?: Baseline;
  /** Relative standard deviation of the meter's scale. */
  gainRelativeSd: number;
  confidencePercent: number;
}

/** Joules per inference of one window at a boundary: active, or above idle at CoreRail. Undefined when the window tells nothing. */
export function joulesPerInference(window: WindowResult, meterage: Pick<Meterage, 'boundary' | 'baseline'>): number | undefined {
  if (window.joules === undefined || window.inferences === 0) return undefined;
  if (quantityAt(meterage.boundary) === 'Active') return window.joules / window.inferences;
  if (!meterage.baseline) return undefined;
  return (window.joules - meterage.baseline.watts * window.seconds) / window.inferences;
}

type Figures = Pick<EnergyTestStatus, 'meanLog' | 'varianceLog' | 'energy'>;

/** Mean, variance and interval of the log energies; nothing while there are fewer than two windows with energy above zero. */
export function absoluteFigures(windows: readonly WindowResult[], meterage: Meterage, time: string): Figures {
  const samples = windows.map((window) => joulesPerInference(window, meterage));
  const sound = samples.filter((sample): sample is number => sample !== undefined && sample > 0);
  if (sound.length < 2 || sound.length < samples.length) return {};
  const { estimate, lower, upper, meanLog, varianceLog } = meanLogInterval(sound, intervalOptions(meterage, windows));
  return {
    meanLog: decimal(meanLog),
    varianceLog: decimal(varianceLog),
    energy: reading({ estimate, lower, upper }, windows, meterage, time),
  };
}

/** Mean and variance over quads of ln(candidate / active), and the candidate's own energy. */
export function pairedFigures(quads: readonly Quad[], meterage: Meterage, time: string): Figures {
  const ratios = quads.map((quad) => {
    const [a1, a2] = quad.active.map((window) => joulesPerInference(window, meterage));
    const [b1, b2] = quad.candidate.map((window) => joulesPerInference(window, meterage));
    if (!(a1 && a2 && b1 && b2) || Math.min(a1, a2, b1, b2) <= 0) return undefined;
    return (Math.log(b1) + Math.log(b2) - Math.log(a1) - Math.log(a2)) / 2;
  });
  const sound = ratios.filter((ratio) => ratio !== undefined);
  if (sound.length < 2 || sound.length < ratios.length) return {};
  const mean = sound.reduce((sum, ratio) => sum + ratio, 0) / sound.length;
  const variance = sound.reduce((sum, ratio) => sum + (ratio - mean) ** 2, 0) / (sound.length - 1);
  const { energy } = absoluteFigures(
    quads.flatMap((quad) => quad.candidate),
    meterage,
    time,
  );
  return { meanLog: decimal(mean), varianceLog: decimal(variance), ...(energy === undefined ? {} : { energy }) };
}

/** What the loop says of the model beside energy. */
export function trafficFigures(
  windows: readonly WindowResult[],
): Pick<EnergyTestStatus, 'inferences' | 'errors' | 'p95LatencyMicroseconds'> {
  const p95 = percentilesOf(windows.flatMap((window) => window.latenciesMicroseconds))?.p95;
  return {
    inferences: windows.reduce((sum, window) => sum + window.inferences, 0),
    errors: windows.reduce((sum, window) => sum + window.errors, 0),
    ...(p95 === undefined ? {} : { p95LatencyMicroseconds: p95 }),
  };
}

function intervalOptions(meterage: Meterage, windows: readonly WindowResult[]) {
  const { confidencePercent, gainRelativeSd, baseline } = meterage;
  const needsBaseline = quantityAt(meterage.boundary) === 'Marginal' && baseline;
  if (!needsBaseline) return { confidencePercent, gainRelativeSd, baselineRelativeSd: 0 };
  // An error of the baseline weighs as much more as the baseline is larger than what is left above it.
  const seconds = windows.reduce((sum, window) => sum + window.seconds, 0);
  const joules = windows.reduce((sum, window) => sum + (window.joules ?? 0), 0);
  const idle = baseline.watts * seconds;
  const above = Math.max(joules - idle, Number.EPSILON);
  return { confidencePercent, gainRelativeSd, baselineRelativeSd: (baseline.relativeSd * idle) / above };
}

function reading(
  value: { estimate: number; lower: number; upper: number },
  windows: readonly WindowResult[],
  meterage: Meterage,
  time: string,
): EnergyReading {
  return {
    value: formatEnergy(value.estimate),
    lower: formatEnergy(value.lower),
    upper: formatEnergy(value.upper),
    quantity: quantityAt(meterage.boundary),
    boundary: meterage.boundary,
    source: meterage.source,
    attribution: 'Controlled',
    inferences: windows.reduce((sum, window) => sum + window.inferences, 0),
    time,
  };
}

const decimal = (value: number) => value.toPrecision(10);
