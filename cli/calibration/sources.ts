// The predictors that a calibration takes proportions between costs from.
import type { Predictor } from '../../energy/prediction/predictor.ts';
import { usageError } from '../exit-codes.ts';
import { loadPredictors } from '../predictor-files.ts';

/** @param names all that ship when absent. */
export async function readSources(names: readonly string[] | undefined): Promise<Predictor[]> {
  const all = await loadPredictors();
  return (names ?? all.map(({ name }) => name)).map((name) => {
    const found = all.find((predictor) => predictor.name === name);
    if (found) return found;
    throw usageError(`--from ${name} is no predictor at hand`, `use one of: ${all.map((one) => one.name).join(', ')}`);
  });
}
