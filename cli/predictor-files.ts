// The predictors at hand: those that ship, and a person's own.
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CatalogueEntry, loadCatalogue } from '../energy/prediction/catalogue.ts';
import type { Predictor } from '../energy/prediction/predictor.ts';
import { usageError } from './exit-codes.ts';

const shippedDirectory = fileURLToPath(new URL('../data/predictors/', import.meta.url));
/** What a calibration writes beside its predictor. */
const measurementsSuffix = '.measurements.json';

/** @param own a file, or a directory of them: they come first, so that they answer for a class that a shipped one knows too. */
export async function loadPredictors(own?: string): Promise<Predictor[]> {
  const entries = [...(own === undefined ? [] : await loadOwn(own)), ...(await loadFrom(shippedDirectory))];
  return entries.map(({ predictor }) => predictor);
}

async function loadOwn(own: string): Promise<CatalogueEntry[]> {
  const found = await stat(own).catch(() => undefined);
  if (!found)
    throw usageError(
      `--predictors ${own}: there is no such file or directory`,
      'name what "jouleops calibrate" or "jouleops train" wrote',
    );
  return found.isDirectory() ? await loadFrom(own) : await loadFrom(path.dirname(own), path.basename(own));
}

async function loadFrom(directory: string, only?: string): Promise<CatalogueEntry[]> {
  return await loadCatalogue({
    list: async () =>
      only === undefined ? (await readdir(directory)).filter((name) => !name.endsWith(measurementsSuffix)) : [only],
    read: (name) => readFile(path.join(directory, name), 'utf8'),
  });
}
