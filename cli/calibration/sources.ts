// The predictors that a calibration takes proportions between costs from.
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { loadCatalogue } from '../../energy/prediction/catalogue.ts';
import type { Predictor } from '../../energy/prediction/predictor.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';

const directory = fileURLToPath(new URL('../../data/predictors/', import.meta.url));

/** @param names all that ship when absent. */
export async function readSources(names: readonly string[] | undefined): Promise<Predictor[]> {
  const entries = await loadCatalogue({
    list: () => readdir(directory),
    read: (file) => readFile(`${directory}${file}`, 'utf8'),
  });
  const all = entries.map(({ predictor }) => predictor);
  return (names ?? all.map(({ name }) => name)).map((name) => {
    const found = all.find((predictor) => predictor.name === name);
    if (found) return found;
    throw new CommandError(`--from ${name} is no predictor at hand`, `use one of: ${all.map((one) => one.name).join(', ')}`, {
      exitCode: exitCodes.usage,
    });
  });
}
