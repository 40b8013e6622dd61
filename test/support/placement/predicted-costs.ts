// What the shipped predictors say that networks of many kinds take on two boards.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { analyzeGraph } from '../../../energy/graph/extract/analyze.ts';
import { probes } from '../../../energy/onnx/networks/probes.ts';
import { loadCatalogue } from '../../../energy/prediction/catalogue.ts';
import { type Predictor, predict } from '../../../energy/prediction/predictor.ts';
import { marginalJoules } from '../../../energy/prediction/verdict.ts';
import { type BoardClass, boardWatts, type CostTable, type ModelCost } from './fleet.ts';

const predictorFolder = fileURLToPath(new URL('../../../data/predictors/', import.meta.url));

/** Networks that both predictors know; those that take nothing measurable above idle are left out. */
export async function predictedCosts(note: (text: string) => void, signal: AbortSignal): Promise<CostTable> {
  const entries = await loadCatalogue({
    list: () => readdir(predictorFolder),
    read: (name) => readFile(`${predictorFolder}${name}`, 'utf8'),
  });
  const predictorOf = (className: BoardClass) => {
    const found = entries.find(({ predictor }) => predictor.name.startsWith(`${className}-board-`));
    if (!found) throw new Error(`there is no predictor of the whole board for ${className}`);
    return found.predictor;
  };
  const predictors = { 'raspberry-pi-5': predictorOf('raspberry-pi-5'), 'jetson-nano': predictorOf('jetson-nano') };
  const directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-placement-'));
  const table: Record<string, Record<BoardClass, ModelCost>> = {};
  try {
    for (const probe of probes()) {
      note(`predicting ${probe.name}`);
      const file = path.join(directory, 'model.onnx');
      await writeFile(file, probe.write());
      const { features } = await analyzeGraph(file, { signal });
      const costOf = (className: BoardClass) => costsOn(predictors[className], features, className);
      const [pi, nano] = [costOf('raspberry-pi-5'), costOf('jetson-nano')];
      if (pi && nano) table[probe.name] = { 'raspberry-pi-5': pi, 'jetson-nano': nano };
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return table;
}

function costsOn(predictor: Predictor, features: Parameters<typeof predict>[1], className: BoardClass): ModelCost | undefined {
  const prediction = predict(predictor, features, predictor.card.key, { confidencePercent: 90 });
  const marginal = marginalJoules(prediction, boardWatts[className].idle);
  const seconds = prediction.latencySeconds?.estimate;
  if (!prediction.inDomain || marginal.kind !== 'joules' || seconds === undefined || marginal.joules.lower <= 0) return undefined;
  return { marginalJoules: marginal.joules, seconds };
}
