import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../../crds/digest.ts';
import { modelVersions } from '../../../crds/resources.ts';
import { GraphBuilder } from '../../../energy/onnx/builder.ts';
import { readModel, writeModel } from '../../../energy/onnx/model.ts';
import { nasBench201 } from '../../../energy/onnx/networks/nas-bench-201.ts';
import { floatTensor } from '../../../energy/onnx/nodes.ts';
import { namespaces } from '../../../kube/api/builtins.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { startControlPlane, type TestControlPlane } from '../../support/controller.ts';
import { eventually } from '../../support/eventually.ts';

const signal = AbortSignal.timeout(120_000);
const cell = '|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|';
const model = nasBench201(cell, { inputShape: [3, 32, 32], classes: 10, seed: 1 });
const oldModel = readModel(model);
oldModel.opsetImport = [{ version: 3 }];
const old = writeModel(oldModel);
/** A few hundred bytes that would become 40 GB. */
const bomb = (() => {
  const builder = new GraphBuilder({ name: 'bomb', weights: { kind: 'random', seed: 1 } });
  const input = builder.input('x', [1, 4]);
  const shape = builder.integers('huge', [100_000, 100_000]);
  builder.node('ConstantOfShape', [shape], [100_000, 100_000], { value: floatTensor('', [1], [1]) });
  builder.output('y', builder.relu(input));
  return builder.build();
})();
const page = Buffer.from('<!DOCTYPE html><html><body>404: not found</body></html>');
const other = Buffer.from('other bytes');

describe('a model version whose bytes are not what they should be', () => {
  let plane: TestControlPlane;
  let modelStore: string;
  let serial = 0;

  beforeAll(async () => {
    modelStore = await mkdtemp(path.join(os.tmpdir(), 'jouleops-models-'));
    plane = await startControlPlane({ modelStoreDirectory: modelStore });
    await plane.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'factory' } }, { signal });
  });
  afterAll(async () => {
    await plane.close();
    await rm(modelStore, { recursive: true, force: true });
  });

  async function declare(variant: { bytes?: Uint8Array; digest: string; size?: number; uri?: string }): Promise<string> {
    const name = `version-${serial++}`;
    if (variant.bytes) await writeFile(path.join(modelStore, name), variant.bytes);
    const uri = variant.uri ?? `store://${name}`;
    const version = {
      apiVersion: 'jouleops.dev/v1alpha1',
      kind: 'ModelVersion',
      metadata: { name, namespace: 'factory' },
      spec: {
        family: 'x',
        version: '1.0.0',
        variants: [
          {
            name: 'fp32',
            digest: variant.digest,
            ...(variant.size === undefined ? {} : { size: variant.size }),
            sources: [{ uri }],
          },
        ],
      },
    };
    await plane.client.create(modelVersions, version, { signal });
    return name;
  }
  const settled = (name: string) =>
    eventually(async () => {
      const version = await plane.client.get(modelVersions, { namespace: 'factory', name }, { signal });
      expect(findCondition(version.status?.conditions, 'Ready')?.status).toMatch(/True|False/);
      return version;
    }, 30);

  it.each<[string, Parameters<typeof declare>[0], string, string, string]>([
    ['another digest', { bytes: other, digest: digestOf(model) }, 'Verified', 'DigestMismatch', digestOf(other)],
    ['another size', { bytes: other, digest: digestOf(other), size: 12 }, 'Verified', 'SizeMismatch', 'the object declares 12'],
    [
      'no file',
      { digest: digestOf(Buffer.from('nowhere')) },
      'Verified',
      'SourceUnavailable',
      'put it there or correct the source',
    ],
    [
      'a host that is not allowed',
      { digest: digestOf(Buffer.from('y')), uri: 'https://example.org/m.onnx' },
      'Verified',
      'SourceNotAllowed',
      'add it there',
    ],
    [
      'a source that comes later',
      { digest: digestOf(Buffer.from('z')), uri: 's3://example/m.onnx' },
      'Verified',
      'NotImplemented',
      'store://, https://, oci://',
    ],
    ['an HTML page named .onnx', { bytes: page, digest: digestOf(page) }, 'Analyzed', 'UnsupportedModel', 'NotOnnx'],
    ['an opset that is too old', { bytes: old, digest: digestOf(old) }, 'Analyzed', 'UnsupportedModel', 'opset 3'],
    [
      'a few bytes that would become gigabytes',
      { bytes: bomb, digest: digestOf(bomb) },
      'Analyzed',
      'UnsupportedModel',
      '40000000',
    ],
    [
      'a truncated file',
      { bytes: model.subarray(0, 5000), digest: digestOf(model.subarray(0, 5000)) },
      'Analyzed',
      'UnsupportedModel',
      ':',
    ],
  ])('%s: the condition says what and what to do', async (_, variant, type, reason, message) => {
    const version = await settled(await declare(variant));
    const condition = findCondition(version.status?.conditions, type);
    expect(condition).toMatchObject({ status: 'False', reason });
    expect(condition?.message).toContain(message);
    expect(findCondition(version.status?.conditions, 'Ready')).toMatchObject({ status: 'False', reason });
  });

  it('harms no other: a good one beside them becomes Ready, and the artifact store keeps nothing wrong', async () => {
    const version = await settled(await declare({ bytes: model, digest: digestOf(model), size: model.byteLength }));
    expect(findCondition(version.status?.conditions, 'Ready')).toMatchObject({ status: 'True' });
    expect(version.status?.variants?.[0]).toMatchObject({ inputs: [{ datatype: 'FP32' }], digest: digestOf(model) });
  });

  it('is fetched again by itself when its source is mended', async () => {
    const late = Buffer.from(nasBench201(cell, { inputShape: [3, 32, 32], classes: 10, seed: 2 }));
    const name = await declare({ digest: digestOf(late) });
    await settled(name);
    await writeFile(path.join(modelStore, name), late);
    await plane.client.patch(
      modelVersions,
      { namespace: 'factory', name },
      { kind: 'json', body: [{ op: 'add', path: '/spec/variants/0/sources/-', value: { uri: `store://${name}` } }] },
      { signal },
    );
    await eventually(async () => {
      const version = await plane.client.get(modelVersions, { namespace: 'factory', name }, { signal });
      expect(findCondition(version.status?.conditions, 'Ready')).toMatchObject({ status: 'True' });
    }, 20);
  });
});
