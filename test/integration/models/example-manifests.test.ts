import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { loadCustomResourceDefinitions } from '../../../crds/manifests.ts';
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import type { ModelVersion } from '../../../crds/model-version.ts';
import type { ArtifactReference } from '../../../crds/shared.ts';
import type { KubeObject } from '../../../kube/api/objects.ts';
import { compileKind } from '../../../standalone/schema/compile-kind.ts';
import { customKinds } from '../../../standalone/schema/custom-kind.ts';
import type { JsonObject } from '../../../standalone/schema/json.ts';
import { storeDirectory, storedModels } from './model-store.ts';

const folder = fileURLToPath(new URL('../../../manifests/examples', import.meta.url));

type Example =
  | ({ kind: 'Namespace' } & KubeObject)
  | ({ kind: 'ModelVersion' } & ModelVersion)
  | ({ kind: 'ModelDeployment' } & ModelDeployment);

async function readExamples(): Promise<{ file: string; object: Example }[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort();
  const examples: { file: string; object: Example }[] = [];
  for (const file of files) {
    for (const document of parseAllDocuments(await readFile(path.join(folder, file), 'utf8'))) {
      expect(document.errors).toEqual([]);
      examples.push({ file, object: document.toJS() as Example });
    }
  }
  return examples;
}

const examples = await readExamples();
const objects = examples.map(({ object }) => object);
const versions = objects.filter((object) => object.kind === 'ModelVersion');
const deployments = objects.filter((object) => object.kind === 'ModelDeployment');

describe('the example manifests', () => {
  it('are accepted as they are: no unknown field, nothing invalid', async () => {
    const definitions = await loadCustomResourceDefinitions();
    const kinds = new Map(definitions.flatMap((crd) => customKinds(crd)).map((kind) => [kind.kind, compileKind(kind)]));
    for (const { file, object } of examples) {
      const kind = kinds.get(object.kind);
      if (kind === undefined) {
        expect([file, object.kind]).toEqual(['00-namespace.yaml', 'Namespace']);
        continue;
      }
      const { unknown, object: pruned } = kind.prune(JSON.parse(JSON.stringify(object)) as JsonObject);
      expect({ file, unknown, causes: kind.validate(kind.default(kind.prepareForCreate(pruned))) }).toEqual({
        file,
        unknown: [],
        causes: [],
      });
    }
  });

  it('name every artifact by the digest and size that the store says', async () => {
    const stored = new Map<string, { digest: string; size: number }>();
    for (const model of await storedModels())
      for (const entry of [...model.variants, model.goldenSet, model.driftReference])
        if (entry) {
          const file = path.relative(storeDirectory, path.join(model.directory, entry.file));
          stored.set(`store://${file}`, { digest: entry.digest, size: entry.sizeBytes });
        }
    for (const { spec } of versions) {
      const references: (ArtifactReference | undefined)[] = [...spec.variants, spec.goldenSet, spec.driftReference];
      for (const reference of references) {
        if (reference === undefined) continue;
        expect(stored.get(reference.sources[0]?.uri ?? '')).toEqual({ digest: reference.digest, size: reference.size });
      }
    }
  });

  it('say the same of a model as its model.yaml', async () => {
    const stored = await storedModels();
    for (const { spec } of versions) {
      const model = stored.find(({ family, version }) => family === spec.family && version === spec.version);
      expect(spec.classLabels).toEqual(model?.classLabels);
      expect(spec.variants.map(({ name, declaredAccuracyPermille }) => ({ name, declaredAccuracyPermille }))).toEqual(
        model?.variants.map(({ name, declaredAccuracyPermille }) => ({ name, declaredAccuracyPermille })),
      );
      expect(spec.goldenSet?.minimumPermille).toBe(model?.goldenSet?.minimumPermille);
    }
  });

  it('deploy versions that are there', () => {
    const names = new Set(versions.map(({ metadata }) => metadata.name));
    for (const { spec } of deployments) expect(names).toContain(spec.modelVersionName);
  });

  it('show the whole range: measured, not measurable here, admitted, refused, unknown', () => {
    expect(deployments.map(({ metadata }) => metadata.name).sort()).toEqual([
      'machine-state',
      'machine-state-here',
      'nas-cell',
      'nas-cell-here',
      'resnet50',
    ]);
  });
});
