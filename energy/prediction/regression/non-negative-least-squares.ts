// Non-negative least squares: min ‖A x − b‖² with x ≥ 0, by the active-set method of Lawson and Hanson (1974), ch. 23.
import { CholeskyDecomposition, Matrix } from 'ml-matrix';

export interface NonNegativeOptions {
  /** Added to the diagonal of AᵀA, pulling x toward `prior` (zeros when absent). */
  ridge?: readonly number[];
  prior?: readonly number[];
}

/** `rows` × columns design, one target per row. Columns of zeros get zero. */
export function nonNegativeLeastSquares(
  design: readonly (readonly number[])[],
  targets: readonly number[],
  options: NonNegativeOptions = {},
): number[] {
  const size = design[0]?.length ?? 0;
  const { gram, moments } = normalEquations(design, targets, size);
  for (let index = 0; index < size; index += 1) {
    const ridge = options.ridge?.[index] ?? 0;
    gram[index * size + index] = (gram[index * size + index] ?? 0) + ridge;
    moments[index] = (moments[index] ?? 0) + ridge * (options.prior?.[index] ?? 0);
  }
  return solveNonNegative(gram, moments, size);
}

function normalEquations(design: readonly (readonly number[])[], targets: readonly number[], size: number) {
  const gram = new Float64Array(size * size);
  const moments = new Float64Array(size);
  for (const [index, row] of design.entries()) {
    const target = targets[index] ?? 0;
    for (let i = 0; i < size; i += 1) {
      const left = row[i] ?? 0;
      if (left === 0) continue;
      moments[i] = (moments[i] ?? 0) + left * target;
      for (let j = 0; j < size; j += 1) gram[i * size + j] = (gram[i * size + j] ?? 0) + left * (row[j] ?? 0);
    }
  }
  return { gram, moments };
}

/** The same from AᵀA (row-major) and Aᵀb. */
export function solveNonNegative(gram: Float64Array, moments: Float64Array, size: number): number[] {
  const solution = Array.from<number>({ length: size }).fill(0);
  const passive: number[] = [];
  const rejected = new Set<number>();
  const lengths = Array.from(moments, (moment, i) => Math.abs(moment) / Math.sqrt(Math.max(gram[i * size + i] ?? 0, 1e-300)));
  const tolerance = 1e-10 * Math.max(...lengths);
  for (let step = 0; step < 3 * size + 10; step += 1) {
    const entering = steepest(gram, moments, solution, passive, rejected, size);
    if (entering === undefined || entering.slope <= tolerance) break;
    passive.push(entering.index);
    if (!descend(gram, moments, solution, passive, size)) {
      // A column that others span: leave it out for good.
      passive.splice(passive.indexOf(entering.index), 1);
      rejected.add(entering.index);
    }
  }
  return solution;
}

function steepest(
  gram: Float64Array,
  moments: Float64Array,
  solution: readonly number[],
  passive: readonly number[],
  rejected: ReadonlySet<number>,
  size: number,
): { index: number; slope: number } | undefined {
  let best: { index: number; slope: number } | undefined;
  for (let i = 0; i < size; i += 1) {
    if (passive.includes(i) || rejected.has(i) || (gram[i * size + i] ?? 0) <= 0) continue;
    let slope = moments[i] ?? 0;
    for (const j of passive) slope -= (gram[i * size + j] ?? 0) * (solution[j] ?? 0);
    // Columns differ by orders of magnitude: compare what one unit of each column's own length would gain.
    slope /= Math.sqrt(gram[i * size + i] ?? 1);
    if (!best || slope > best.slope) best = { index: i, slope };
  }
  return best;
}

/** Moves to the passive set's own solution, dropping what would become negative on the way. False when it is singular. */
function descend(gram: Float64Array, moments: Float64Array, solution: number[], passive: number[], size: number): boolean {
  while (passive.length > 0) {
    const wanted = solvePassive(gram, moments, passive, size);
    if (!wanted) return false;
    const step = longestStep(solution, wanted, passive);
    for (const [position, index] of passive.entries())
      solution[index] = (solution[index] ?? 0) + step * ((wanted[position] ?? 0) - (solution[index] ?? 0));
    if (step === 1 || !dropZeros(solution, wanted, passive)) return true;
  }
  return true;
}

/** 1 when nothing would become negative, else the share of the way at which the first one reaches zero. */
function longestStep(solution: readonly number[], wanted: readonly number[], passive: readonly number[]): number {
  let step = 1;
  for (const [position, index] of passive.entries()) {
    const goal = wanted[position] ?? 0;
    const current = solution[index] ?? 0;
    if (goal <= 0) step = Math.min(step, current > goal ? current / (current - goal) : 0);
  }
  return step;
}

function dropZeros(solution: number[], wanted: readonly number[], passive: number[]): boolean {
  const before = passive.length;
  for (const [position, index] of [...passive.entries()].reverse()) {
    if ((solution[index] ?? 0) > 1e-14 * Math.abs(wanted[position] ?? 1)) continue;
    solution[index] = 0;
    passive.splice(position, 1);
  }
  return passive.length < before;
}

function solvePassive(gram: Float64Array, moments: Float64Array, passive: readonly number[], size: number): number[] | undefined {
  // Unit diagonal before factoring: keeps the decomposition well conditioned.
  const scales = passive.map((i) => Math.sqrt(gram[i * size + i] ?? 1));
  const matrix = new Matrix(
    // The lower half for both: rounding may have left them apart.
    passive.map((i, row) =>
      passive.map(
        (j, column) => (gram[Math.max(i, j) * size + Math.min(i, j)] ?? 0) / ((scales[row] ?? 1) * (scales[column] ?? 1)),
      ),
    ),
  );
  const cholesky = new CholeskyDecomposition(matrix);
  if (!cholesky.isPositiveDefinite()) return undefined;
  const scaled = cholesky.solve(Matrix.columnVector(passive.map((i, row) => (moments[i] ?? 0) / (scales[row] ?? 1))));
  return passive.map((_, row) => scaled.get(row, 0) / (scales[row] ?? 1));
}
