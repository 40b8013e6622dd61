// A model in the directory that an upstream reads: MODEL/1/model.onnx, whole or not at all.
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/** @param beside paths of external data, relative to the graph. @throws Error when the directory cannot be written */
export async function placeModel(repository: string, model: string, file: string, beside: readonly string[]): Promise<void> {
  const target = path.join(repository, model);
  // Servers take every directory for a model that they can read; one with a dot in front is none.
  const arriving = path.join(repository, `.${model}.arriving`);
  await rm(arriving, { recursive: true, force: true });
  const version = path.join(arriving, '1');
  await mkdir(version, { recursive: true });
  await cp(file, path.join(version, 'model.onnx'));
  for (const relative of beside) {
    await mkdir(path.dirname(path.join(version, relative)), { recursive: true });
    await cp(path.join(path.dirname(file), relative), path.join(version, relative));
  }
  await rm(target, { recursive: true, force: true });
  await rename(arriving, target);
}

export async function removeModel(repository: string, model: string): Promise<void> {
  await rm(path.join(repository, model), { recursive: true, force: true });
}
