// The models that a recommendation chooses from: files as named, and what lies below directories.
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { usageError } from '../exit-codes.ts';

const maximumCandidates = 1000;

export interface Candidate {
  file: string;
  sizeBytes: number;
  /** As the model.yaml beside it declares, permille. */
  accuracyPermille?: number;
}

export async function findCandidates(paths: readonly string[]): Promise<Candidate[]> {
  const files = new Set<string>();
  for (const name of paths) for (const file of await filesAt(name)) files.add(file);
  if (files.size === 0)
    throw usageError(`there is no .onnx file in ${paths.join(', ')}`, 'name .onnx files, or a directory with some');
  if (files.size > maximumCandidates)
    throw usageError(`${files.size} models are more than ${maximumCandidates}`, 'name a smaller directory');
  return await Promise.all([...files].sort().map(describe));
}

async function filesAt(name: string): Promise<string[]> {
  const found = await stat(name).catch(() => undefined);
  if (!found) throw usageError(`${name}: there is no such file`, 'name .onnx files, or a directory with some');
  if (!found.isDirectory()) return [name];
  const below = await readdir(name, { recursive: true });
  return below.filter((file) => file.endsWith('.onnx')).map((file) => path.join(name, file));
}

async function describe(file: string): Promise<Candidate> {
  const { size } = await stat(file);
  const accuracyPermille = await declaredAccuracy(file);
  return { file, sizeBytes: size, ...(accuracyPermille === undefined ? {} : { accuracyPermille }) };
}

/** A model.yaml that is absent or unreadable declares nothing. */
async function declaredAccuracy(file: string): Promise<number | undefined> {
  const text = await readFile(path.join(path.dirname(file), 'model.yaml'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  let card: unknown;
  try {
    card = parse(text);
  } catch {
    return undefined;
  }
  const variants = typeof card === 'object' && card !== null && 'variants' in card ? card.variants : undefined;
  if (!Array.isArray(variants)) return undefined;
  for (const variant of variants as { file?: unknown; declaredAccuracyPermille?: unknown }[])
    if (variant.file === path.basename(file) && typeof variant.declaredAccuracyPermille === 'number')
      return variant.declaredAccuracyPermille;
  return undefined;
}
