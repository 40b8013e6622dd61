import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../crds/digest.ts';
import { readModel } from '../../../energy/onnx/model.ts';
import { describeModel, exampleModels } from '../../../scripts/models/example-models.ts';
import { storeDirectory, storedModels } from './model-store.ts';

const models = await storedModels();

describe('the model store', () => {
  it('holds the models of the examples and the tour', () => {
    expect(models.map(({ family, version }) => `${family} ${version}`)).toEqual([
      'machine-state 1.0.0',
      'machine-state 2.0.0',
      'nas-cell 1.0.0',
      'resnet50 1.0.0',
      'vgg16 1.0.0',
    ]);
  });

  it.each(models)('$family $version says the digest and size of every file', async (model) => {
    for (const entry of [...model.variants, model.goldenSet, model.driftReference]) {
      if (entry === undefined) continue;
      const bytes = await readFile(path.join(model.directory, entry.file));
      expect({ digest: digestOf(bytes), sizeBytes: bytes.length }).toEqual({
        digest: entry.digest,
        sizeBytes: entry.sizeBytes,
      });
    }
  });

  it.each(models)('$family $version is an ONNX file that our reader understands', async (model) => {
    for (const { file } of model.variants) {
      const { graph, opsetImport } = readModel(await readFile(path.join(model.directory, file)));
      expect(opsetImport[0]?.version).toBe(17);
      expect(graph.node.length).toBeGreaterThan(10);
    }
  });
});

describe('the models that are written by a script', () => {
  it.each(exampleModels)('$family is committed as the script writes it (npm run models:write)', async (model) => {
    const directory = path.join(storeDirectory, model.family, `${model.major}`);
    const bytes = model.write();
    expect(Buffer.compare(bytes, await readFile(path.join(directory, 'model.onnx')))).toBe(0);
    expect(await readFile(path.join(directory, 'model.yaml'), 'utf8')).toBe(describeModel(model, bytes));
  });
});
