// Cholesky factor of a dense symmetric matrix in one flat array: training factors hundreds of them, element access must be free.

/** Lower factor, row-major; undefined when the matrix is not positive definite. Reads the lower half and leaves the matrix alone. */
export function cholesky(matrix: Float64Array, size: number): Float64Array | undefined {
  const factor = new Float64Array(size * size);
  for (let row = 0; row < size; row += 1) {
    const rowStart = row * size;
    for (let column = 0; column <= row; column += 1) {
      const sum = (matrix[rowStart + column] as number) - dot(factor, rowStart, column * size, column);
      if (column < row) factor[rowStart + column] = sum / (factor[column * size + column] as number);
      else if (sum <= 0) return undefined;
      else factor[rowStart + row] = Math.sqrt(sum);
    }
  }
  return factor;
}

/** Of two stretches of one array. Four sums that do not wait for each other: twice as fast. */
function dot(values: Float64Array, left: number, right: number, length: number): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < length; k += 4) {
    a += (values[left + k] as number) * (values[right + k] as number);
    b += (values[left + k + 1] as number) * (values[right + k + 1] as number);
    c += (values[left + k + 2] as number) * (values[right + k + 2] as number);
    d += (values[left + k + 3] as number) * (values[right + k + 3] as number);
  }
  for (; k < length; k += 1) a += (values[left + k] as number) * (values[right + k] as number);
  return a + b + (c + d);
}

/** Solves L Lᵀ x = b. */
export function choleskySolve(factor: Float64Array, size: number, right: ArrayLike<number>): Float64Array {
  const solution = forwardSolve(factor, size, right);
  for (let row = size - 1; row >= 0; row -= 1) {
    let sum = solution[row] as number;
    for (let k = row + 1; k < size; k += 1) sum -= (factor[k * size + row] as number) * (solution[k] as number);
    solution[row] = sum / (factor[row * size + row] as number);
  }
  return solution;
}

/** Solves L x = b. */
export function forwardSolve(factor: Float64Array, size: number, right: ArrayLike<number>): Float64Array {
  const solution = Float64Array.from(right);
  for (let row = 0; row < size; row += 1) {
    let sum = solution[row] as number;
    for (let k = 0; k < row; k += 1) sum -= (factor[row * size + k] as number) * (solution[k] as number);
    solution[row] = sum / (factor[row * size + row] as number);
  }
  return solution;
}

/** Twice the sum of the logarithms of the diagonal: log |L Lᵀ|. */
export function logDeterminant(factor: Float64Array, size: number): number {
  let sum = 0;
  for (let row = 0; row < size; row += 1) sum += Math.log(factor[row * size + row] as number);
  return 2 * sum;
}
