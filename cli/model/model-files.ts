// The files of a model on disk, and what its model.yaml says of them.
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { mediaTypes } from '../../controller/artifacts/registry/manifest.ts';
import type { ModelDescription, PushedFile } from '../../controller/artifacts/registry/push.ts';
import { digestOf } from '../../crds/digest.ts';
import { usageError } from '../exit-codes.ts';

/** As far as a ModelVersion needs it. */
interface ModelCard {
  family?: string;
  version?: string;
  classLabels?: string[];
  variants?: { name: string; file: string; declaredAccuracyPermille?: number }[];
  goldenSet?: { file: string; metric?: string; minimumPermille?: number };
  driftReference?: { file: string };
}

export interface ModelFiles {
  description: ModelDescription;
  card: ModelCard;
  files: PushedFile[];
}

/** @param target a file, or a folder with one or more .onnx files and perhaps a model.yaml. */
export async function readModelFiles(target: string): Promise<ModelFiles> {
  const found = await stat(target).catch(() => undefined);
  if (!found) throw usageError(`${target}: there is no such file or folder`, 'name an .onnx file, or a folder with one');
  const folder = found.isDirectory() ? target : path.dirname(target);
  const names = found.isDirectory() ? (await filesOf(folder)).toSorted() : [path.basename(target)];
  const models = names.filter((name) => name.endsWith('.onnx'));
  if (models.length === 0) throw usageError(`${target} holds no .onnx file`, 'name an .onnx file, or a folder with one');
  const yaml = names.includes('model.yaml') ? await readFile(path.join(folder, 'model.yaml'), 'utf8') : '';
  const card = readCard(path.join(folder, 'model.yaml'), yaml);
  card.variants ??= models.map((file) => ({
    name: models.length === 1 ? 'fp32' : path.basename(file, '.onnx').toLowerCase(),
    file,
  }));
  const files: PushedFile[] = [];
  for (const name of names)
    files.push({ path: name, mediaType: mediaTypeOf(name, card), bytes: await readFile(path.join(folder, name)) });
  const family = card.family ?? path.basename(found.isDirectory() ? path.resolve(target) : target, '.onnx').toLowerCase();
  const version = card.version ?? '1.0.0';
  return { description: { name: family, family, version }, card, files };
}

/** The ModelVersion to commit. The file digests are what counts; `uri` says where they are. */
export function modelVersionOf({ description, card, files }: ModelFiles, uri: string): object {
  const artifact = (name: string) => {
    const file = files.find((candidate) => candidate.path === name);
    if (!file) throw usageError(`model.yaml names ${name}, which is not there`, 'put it beside model.yaml, or correct its name');
    const digest = digestOf(file.bytes);
    return { digest, size: file.bytes.byteLength, sources: [{ uri }] };
  };
  const { goldenSet, driftReference } = card;
  return {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelVersion',
    metadata: { name: `${description.family}-${description.version}`.replaceAll(/[^a-z0-9.-]/g, '-') },
    spec: {
      family: description.family,
      version: description.version,
      ...(card.classLabels === undefined ? {} : { classLabels: card.classLabels }),
      variants: (card.variants ?? []).map(({ name, file, declaredAccuracyPermille }) => ({
        name,
        ...artifact(file),
        ...(declaredAccuracyPermille === undefined ? {} : { declaredAccuracyPermille }),
      })),
      ...(goldenSet === undefined
        ? {}
        : {
            goldenSet: {
              ...artifact(goldenSet.file),
              ...(goldenSet.metric === undefined ? {} : { metric: goldenSet.metric }),
              minimumPermille: goldenSet.minimumPermille ?? 950,
            },
          }),
      ...(driftReference === undefined ? {} : { driftReference: artifact(driftReference.file) }),
    },
  };
}

function readCard(file: string, text: string): ModelCard {
  const next = 'docs/models.md says what it holds';
  let card: unknown;
  try {
    card = parse(text) ?? {};
  } catch (error) {
    throw usageError(`${file}: ${(error as Error).message.split('\n', 1)[0]}`, next, error);
  }
  if (typeof card !== 'object' || card === null || Array.isArray(card)) throw usageError(`${file} holds no fields`, next);
  const { variants } = card as { variants?: unknown };
  if (variants !== undefined && !Array.isArray(variants)) throw usageError(`${file}: variants is no list`, next);
  return card;
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.')).map((entry) => entry.name);
}

function mediaTypeOf(name: string, card: ModelCard): string {
  if (name === card.goldenSet?.file) return mediaTypes.dataset;
  if (name === card.driftReference?.file) return mediaTypes.weightConfig;
  return /\.(ya?ml|md|txt)$|^LICENSE$/.test(name) ? mediaTypes.doc : mediaTypes.weight;
}
