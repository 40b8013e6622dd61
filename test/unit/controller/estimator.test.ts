import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Estimator } from '../../../controller/estimate/estimator.ts';
import type { EdgeDevice } from '../../../crds/edge-device.ts';
import type { GraphAnalysis } from '../../../energy/graph/analysis.ts';
import { type Predictor, type PredictorArtifact, parsePredictor } from '../../../energy/prediction/predictor.ts';
import { cellFeatures } from '../../../energy/prediction/training/cell-rows.ts';

const artifact = readFileSync(
  new URL('../../../data/predictors/raspberry-pi-5-corerail-onnxruntime.json', import.meta.url),
  'utf8',
);
const cell = '|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_3x3~1|none~2|';
const analysis: GraphAnalysis = {
  extractorVersion: 2,
  runtimeVersion: '1.30.0',
  path: 'profiled',
  opset: 17,
  inputs: [],
  outputs: [],
  precision: 'fp32',
  operators: [],
  features: cellFeatures(cell, '1x3x32x32', 'cifar100'),
};
const device: EdgeDevice = {
  apiVersion: 'jouleops.dev/v1alpha1',
  kind: 'EdgeDevice',
  metadata: { name: 'pi' },
  spec: {},
  status: { deviceClassName: 'raspberry-pi-5', classKey: { board: 'raspberry-pi-5', runtime: 'onnxruntime' } },
};

describe('the estimator', () => {
  it('answers from the predictor that is loaded now, though another one had its name and version', () => {
    let loaded: Predictor[] = [parsePredictor(artifact)];
    const estimator = new Estimator({ analysisOf: () => analysis, predictorsOf: () => loaded, classOf: () => undefined });
    const joules = () =>
      estimator.predict({ digest: 'sha256:1' }, device, undefined, 'CoreRail', 90)?.joulesPerInference.estimate ?? Number.NaN;
    const before = joules();
    const again = JSON.parse(artifact) as PredictorArtifact;
    for (const [term, cost] of Object.entries(again.energy.roofline)) again.energy.roofline[term as 'nodes'] = 2 * cost;
    loaded = [parsePredictor(JSON.stringify(again))];
    expect(joules()).toBeCloseTo(2 * before, 12);
  });
});
