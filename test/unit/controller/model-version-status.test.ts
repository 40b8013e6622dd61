import { expect, it } from 'vitest';
import type { Acquired } from '../../../controller/model-version/acquire.ts';
import type { AnalysisResult } from '../../../controller/model-version/analysis-store.ts';
import { describeVersion } from '../../../controller/model-version/status.ts';
import { loadCustomResourceDefinitions } from '../../../crds/manifests.ts';
import type { ModelVersion } from '../../../crds/model-version.ts';
import { emptyFeatures } from '../../../energy/graph/feature-sums.ts';
import type { Stored } from '../../../kube/api/objects.ts';
import { compileKind } from '../../../standalone/schema/compile-kind.ts';
import { customKinds } from '../../../standalone/schema/custom-kind.ts';
import type { JsonObject } from '../../../standalone/schema/json.ts';

const definition = (await loadCustomResourceDefinitions()).flatMap(customKinds).find(({ kind }) => kind === 'ModelVersion');
const digest = `sha256:${'0'.repeat(64)}`;
const version: Stored<ModelVersion> = {
  apiVersion: 'jouleops.dev/v1alpha1',
  kind: 'ModelVersion',
  metadata: {
    name: 'm',
    namespace: 'n',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    generation: 1,
  },
  spec: { family: 'm', version: '1.0.0', variants: [{ name: 'fp32', digest, sources: [{ uri: 'store://m/1/m.onnx' }] }] },
};

/** What the definition says against the status that is written. */
function refusals(acquired: Acquired[], result?: AnalysisResult) {
  if (!definition) throw new Error('there is no definition of ModelVersion');
  const results = new Map(result ? [['fp32', result]] : []);
  const status = describeVersion(version, { acquired, results }, '2026-01-01T00:00:00Z');
  return compileKind(definition).validate(JSON.parse(JSON.stringify({ ...version, status })) as JsonObject, undefined);
}

it('has a status that its definition takes, whatever the graph’s maker has named and shaped', () => {
  const tensor = { name: 'x'.repeat(5000), datatype: 'FP32', shape: Array.from({ length: 40 }, () => 2 ** 60) };
  const features = {
    ...emptyFeatures(),
    macs: 1e30,
    bytes: 1e30,
    parameters: 1e20,
    initializerBytes: 1e25,
    peakActivationBytes: 1e25,
  };
  const analysis = {
    extractorVersion: 1,
    runtimeVersion: '1',
    path: 'static' as const,
    opset: 17,
    inputs: [tensor],
    outputs: [tensor],
    precision: 'fp32',
    operators: [
      { type: `Custom${'Long'.repeat(100)}`, count: 2 },
      { type: 'Relu', count: 1 },
    ],
    features,
  };
  const present: Acquired[] = [{ kind: 'present', label: 'variant fp32', digest, bytes: 10 }];
  expect(refusals(present, { kind: 'analyzed', analysis })).toEqual([]);
});

it('has a status that its definition takes, whatever a registry says of its files', () => {
  const missing: Acquired[] = [
    {
      kind: 'missing',
      label: 'variant fp32',
      digest,
      reason: 'DigestMismatch',
      message: 'it has '.repeat(10_000),
      transient: false,
    },
  ];
  expect(refusals(missing)).toEqual([]);
});
