// Who used the energy when several models ran: non-negative least squares of power on CPU-seconds per process over windows.
import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { nonNegativeLeastSquares } from '../prediction/regression/non-negative-least-squares.ts';
import { normalQuantile } from './student-t.ts';

export interface AttributionWindow {
  seconds: number;
  joules: number;
  /** CPU-seconds of each model's process. */
  modelCpuSeconds: Readonly<Record<string, number>>;
  otherCpuSeconds: number;
}

export interface ModelShare {
  /** Labelled Shared wherever it shows: a regression, not a measurement of this model alone. */
  attribution: 'Shared';
  joules: number;
  lower: number;
  upper: number;
  joulesPerCpuSecond: number;
  lowerPerCpuSecond: number;
  /** Infinite when nothing told it apart from the others. */
  upperPerCpuSecond: number;
}

export interface Attribution {
  models: Record<string, ModelShare>;
  otherJoules: number;
  /** What is drawn without any work. */
  constantWatts: number;
  /** Share of the variance of power that the regression explains. */
  explained: number;
}

/** An hour of 10 s windows is 360; fewer than this tell processes apart poorly. */
const minimumWindowsPerModel = 10;

/** Undefined when there are too few windows for the number of models. */
export function attribute(windows: readonly AttributionWindow[], confidencePercent: number): Attribution | undefined {
  const names = [...new Set(windows.flatMap(({ modelCpuSeconds }) => Object.keys(modelCpuSeconds)))].sort();
  if (windows.length < minimumWindowsPerModel * (names.length + 2)) return undefined;
  const loads = windows.map(({ seconds, modelCpuSeconds, otherCpuSeconds }) => [
    ...names.map((name) => (modelCpuSeconds[name] ?? 0) / seconds),
    otherCpuSeconds / seconds,
    1,
  ]);
  const power = windows.map(({ joules, seconds }) => joules / seconds);
  const coefficients = nonNegativeLeastSquares(loads, power);
  const residuals = power.map((watts, index) => watts - dot(loads[index] ?? [], coefficients));
  const errors = standardErrors(loads, coefficients, residuals);
  const totals = names.map((name) => windows.reduce((sum, window) => sum + (window.modelCpuSeconds[name] ?? 0), 0));
  const scale = normalQuantile(0.5 + confidencePercent / 200);
  const share = (index: number): ModelShare => {
    const cpuSeconds = totals[index] ?? 0;
    const joulesPerCpuSecond = coefficients[index] ?? 0;
    const half = scale * (errors[index] ?? 0);
    const [lowerPerCpuSecond, upperPerCpuSecond] = [Math.max(0, joulesPerCpuSecond - half), joulesPerCpuSecond + half];
    return {
      attribution: 'Shared',
      joules: joulesPerCpuSecond * cpuSeconds,
      lower: lowerPerCpuSecond * cpuSeconds,
      upper: upperPerCpuSecond * cpuSeconds,
      joulesPerCpuSecond,
      lowerPerCpuSecond,
      upperPerCpuSecond,
    };
  };
  const meanPower = power.reduce((sum, watts) => sum + watts, 0) / power.length;
  const total = power.reduce((sum, watts) => sum + (watts - meanPower) ** 2, 0);
  return {
    models: Object.fromEntries(names.map((name, index) => [name, share(index)])),
    otherJoules: (coefficients[names.length] ?? 0) * windows.reduce((sum, { otherCpuSeconds }) => sum + otherCpuSeconds, 0),
    constantWatts: coefficients[names.length + 1] ?? 0,
    explained: total > 0 ? 1 - residuals.reduce((sum, residual) => sum + residual ** 2, 0) / total : 0,
  };
}

function dot(left: readonly number[], right: readonly number[]): number {
  return left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);
}

/** Of ordinary least squares, widened for residuals that follow one another: (1 + ρ) / (1 − ρ) times the variance. */
function standardErrors(loads: readonly number[][], coefficients: readonly number[], residuals: readonly number[]): number[] {
  const active = coefficients.map((_, index) => index).filter((index) => loads.some((row) => (row[index] ?? 0) > 0));
  const design = new Matrix(loads.map((row) => active.map((index) => row[index] ?? 0)));
  const gram = design.transpose().mmul(design);
  for (let index = 0; index < active.length; index += 1) gram.set(index, index, gram.get(index, index) * (1 + 1e-9));
  const cholesky = new CholeskyDecomposition(gram);
  if (!cholesky.isPositiveDefinite()) return coefficients.map(() => Number.POSITIVE_INFINITY);
  const inverse = cholesky.solve(Matrix.eye(active.length));
  const squares = residuals.reduce((sum, residual) => sum + residual ** 2, 0);
  const following = residuals.slice(1).reduce((sum, residual, index) => sum + residual * (residuals[index] ?? 0), 0);
  const correlation = Math.min(0.95, Math.max(0, squares > 0 ? following / squares : 0));
  const variance = (squares / Math.max(1, residuals.length - active.length)) * ((1 + correlation) / (1 - correlation));
  return coefficients.map((_, index) => {
    const position = active.indexOf(index);
    return position < 0 ? 0 : Math.sqrt(variance * inverse.get(position, position));
  });
}
