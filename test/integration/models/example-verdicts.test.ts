import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import type { GraphFeatures } from '../../../energy/graph/analysis.ts';
import { analyzeGraph } from '../../../energy/graph/extract/analyze.ts';
import { choosePredictor, loadCatalogue } from '../../../energy/prediction/catalogue.ts';
import type { Prediction } from '../../../energy/prediction/prediction.ts';
import { predict } from '../../../energy/prediction/predictor.ts';
import { judgePrediction } from '../../../energy/prediction/verdict.ts';
import { parseEnergy } from '../../../energy/units.ts';
import { storeDirectory } from './model-store.ts';

const examples = fileURLToPath(new URL('../../../manifests/examples', import.meta.url));
const predictors = fileURLToPath(new URL('../../../data/predictors', import.meta.url));

const catalogue = await loadCatalogue({
  list: () => readdir(predictors),
  read: (name) => readFile(path.join(predictors, name), 'utf8'),
});

/** What an agent of ours runs on a simulated board. */
const agentKey = { runtime: 'onnxruntime', executionProvider: 'cpu', threads: 1, spinning: false, precision: 'fp32' };

async function deployment(file: string, name: string): Promise<ModelDeployment> {
  const documents = parseAllDocuments(await readFile(path.join(examples, file), 'utf8'));
  const found = documents.map((document) => document.toJS() as ModelDeployment & { kind: string });
  const result = found.find(({ kind, metadata }) => kind === 'ModelDeployment' && metadata.name === name);
  if (result === undefined) throw new Error(`${file} has no deployment ${name}`);
  return result;
}

async function features(model: string): Promise<GraphFeatures> {
  const file = path.join(storeDirectory, model, 'model.onnx');
  return (await analyzeGraph(file, { signal: AbortSignal.timeout(60_000) })).features;
}

/** The verdict of each class that the deployment names. */
async function verdicts({ spec }: ModelDeployment, model: string) {
  const { energyPerInference = '', boundary = 'Board', confidencePercent = 90 } = spec.budget;
  const graph = await features(model);
  return (spec.placement.deviceClassNames ?? []).map((deviceClass) => {
    const predictor = choosePredictor(
      catalogue.map((entry) => entry.predictor),
      { deviceClass, boundary },
    );
    const prediction: Prediction | undefined =
      predictor &&
      predict(predictor, graph, { ...agentKey, board: deviceClass.replace('-simulated', '') }, { confidencePercent });
    const { verdict, reason } = judgePrediction({ budgetJoules: parseEnergy(energyPerInference), boundary, prediction });
    return { deviceClass, verdict, reason, prediction };
  });
}

describe('what the shipped predictors say of the examples', () => {
  it('nas-cell is in the domain and within its budget, without a test', async () => {
    const [onPi] = await verdicts(await deployment('20-nas-cell.yaml', 'nas-cell'), 'nas-cell/1');
    expect(onPi).toMatchObject({
      verdict: 'WithinBudget',
      prediction: { inDomain: true, transferred: false, boundary: 'CoreRail' },
    });
  });

  it('machine-state is unlike every training network: Uncertain, whatever the interval', async () => {
    const [onPi] = await verdicts(await deployment('10-machine-state.yaml', 'machine-state'), 'machine-state/2');
    expect(onPi).toMatchObject({ verdict: 'Uncertain', reason: 'OutOfDomain', prediction: { inDomain: false } });
  });

  it('resnet50 exceeds its budget on both boards, although the predictions are transferred', async () => {
    const both = await verdicts(await deployment('30-resnet50.yaml', 'resnet50'), 'resnet50/1');
    expect(both.map(({ deviceClass }) => deviceClass)).toEqual(['raspberry-pi-5-simulated', 'jetson-nano-simulated']);
    for (const each of both)
      expect(each).toMatchObject({
        verdict: 'ExceedsBudget',
        prediction: { inDomain: true, transferred: true, boundary: 'Board' },
      });
  });

  it('this machine has no predictor, so nas-cell-here is Unknown', async () => {
    const here = await verdicts(await deployment('40-nas-cell-here.yaml', 'nas-cell-here'), 'nas-cell/1');
    for (const each of here) expect(each).toMatchObject({ verdict: 'Unknown', reason: 'NoPredictor' });
    expect(here.length).toBe(2);
  });
});
