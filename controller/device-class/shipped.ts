// The device classes that come with the controller: files beside it, with the predictors of the predictor directory.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { DeviceClassSpec, PredictorReference } from '../../crds/device-class.ts';
import { digestOf } from '../../crds/digest.ts';
import { type Predictor, parsePredictor } from '../../energy/prediction/predictor.ts';

const shippedDirectory = fileURLToPath(new URL('../shipped-classes/', import.meta.url));
export const shippedScheme = 'shipped:';

export interface ShippedClass {
  name: string;
  spec: DeviceClassSpec;
}

/** @param predictorDirectory holds one JSON artifact per predictor; each names its class on its card. */
export async function readShippedClasses(predictorDirectory: string): Promise<ShippedClass[]> {
  const predictors = await readShippedPredictors(predictorDirectory);
  const files = (await readdir(shippedDirectory)).filter((file) => file.endsWith('.yaml')).sort();
  return await Promise.all(
    files.map(async (file) => {
      const name = path.basename(file, '.yaml');
      const spec = parse(await readFile(path.join(shippedDirectory, file), 'utf8')) as DeviceClassSpec;
      const references = predictors.filter(({ predictor }) => predictor.card.deviceClass === name).map(referenceTo);
      return { name, spec: { ...spec, ...(references.length === 0 ? {} : { predictors: references }) } };
    }),
  );
}

interface ShippedPredictor {
  file: string;
  digest: string;
  predictor: Predictor;
}

async function readShippedPredictors(directory: string): Promise<ShippedPredictor[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.json')).sort();
  return await Promise.all(
    files.map(async (file) => {
      const bytes = await readFile(path.join(directory, file));
      return { file, digest: digestOf(bytes), predictor: parsePredictor(bytes.toString('utf8')) };
    }),
  );
}

function referenceTo({ file, digest, predictor }: ShippedPredictor): PredictorReference {
  const { key, boundary, quantity } = predictor.card;
  return { name: predictor.name, version: predictor.version, key, boundary, quantity, digest, source: shippedScheme + file };
}
