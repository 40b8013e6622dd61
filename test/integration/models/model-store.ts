// The committed model store, as the tests read it.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';

export const storeDirectory = fileURLToPath(new URL('../../../model_store', import.meta.url));

interface StoredFile {
  file: string;
  digest: string;
  sizeBytes: number;
}

export interface StoredModel {
  directory: string;
  family: string;
  version: string;
  classLabels?: string[];
  variants: (StoredFile & { name: string; declaredAccuracyPermille?: number })[];
  goldenSet?: StoredFile & { samples: number; minimumPermille: number };
  driftReference?: StoredFile;
}

export async function storedModels(): Promise<StoredModel[]> {
  const files = await readdir(storeDirectory, { recursive: true });
  const facts = files.filter((file) => path.basename(file) === 'model.yaml').sort();
  return Promise.all(
    facts.map(async (file) => {
      const text = await readFile(path.join(storeDirectory, file), 'utf8');
      return { ...(parse(text) as Omit<StoredModel, 'directory'>), directory: path.join(storeDirectory, path.dirname(file)) };
    }),
  );
}

interface GoldenTensor {
  name: string;
  datatype: string;
  shape: number[];
  data: number[];
}

export interface GoldenSample {
  inputs: GoldenTensor[];
  outputs: GoldenTensor[];
  label: number;
}

export async function readGoldenSet(file: string): Promise<GoldenSample[]> {
  const lines = gunzipSync(await readFile(file))
    .toString('utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as GoldenSample);
}
