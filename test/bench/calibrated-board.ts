// What `jouleops calibrate --simulate CLASS --misfit SEED --out DIRECTORY` made, against what the board hides: each probe as it was
// measured, and networks that were not: node test/bench/calibrated-board.ts --simulate CLASS --misfit SEED --out DIRECTORY
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { CalibrationRecord } from '../../agent/calibration/calibration-record.ts';
import { abortOnSignals } from '../../cli/interrupt.ts';
import { analyzeGraph } from '../../energy/graph/extract/analyze.ts';
import { probes } from '../../energy/onnx/networks/probes.ts';
import { evaluateLogModel, queryOf } from '../../energy/prediction/log-model.ts';
import { domainReaches, parsePredictor } from '../../energy/prediction/predictor.ts';
import { halfWidth } from '../../energy/prediction/regression/conformal.ts';
import { mean, scoresOf } from '../../energy/prediction/training/scores.ts';
import { heldOutFiles, type Network, type VirtualBoard, virtualBoard } from '../support/virtual-boards.ts';

const confidencePercent = 90;

/** Read through the runtime, as the simulated board reads what it runs. */
async function readAll(files: ReturnType<typeof heldOutFiles>, signal: AbortSignal): Promise<Network[]> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'jouleops-bench-'));
  try {
    const networks: Network[] = [];
    for (const { name, write } of files) {
      const file = path.join(folder, 'model.onnx');
      writeFileSync(file, write());
      const { features, layers = [] } = await analyzeGraph(file, { signal, layers: true });
      networks.push({ name, features, layers });
    }
    return networks;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Percent that each measured probe is off, after one factor: a boot of the board draws a little more or less than another. */
function probeErrors(board: VirtualBoard, networks: readonly Network[], { steps }: CalibrationRecord): number[] {
  const truth = new Map(networks.map((network) => [network.name, board.truthOf(network).joules]));
  const logs = steps.flatMap(({ probe, outcome }) =>
    outcome.kind === 'Measured' ? [Math.log(outcome.joules / (truth.get(probe) ?? Number.NaN))] : [],
  );
  const boot = mean(logs);
  return logs.map((log) => 100 * Math.abs(Math.exp(log - boot) - 1));
}

function predictions(board: VirtualBoard, networks: readonly Network[], predictorText: string) {
  const { energy, surroundings } = parsePredictor(predictorText);
  const { inside, outside } = energy.calibration;
  return networks.map((network) => {
    const query = queryOf(surroundings, network.features);
    const predicted = evaluateLogModel(energy.model, query).value;
    const actual = board.truthOf(network).joules;
    const { logHalfWidth } = halfWidth(inside, outside, query.remoteness <= domainReaches, confidencePercent);
    return { predicted, actual, covered: Math.abs(Math.log(actual / predicted)) <= logHalfWidth };
  });
}

function only(directory: string, ending: string): string {
  const files = readdirSync(directory).filter((name) => name.endsWith(ending));
  const [file] = files;
  if (files.length !== 1 || file === undefined)
    throw new Error(`${directory} holds ${files.length} files that end in ${ending}: name a directory with one calibration`);
  return readFileSync(path.join(directory, file), 'utf8');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { simulate: { type: 'string' }, misfit: { type: 'string' }, out: { type: 'string', default: 'calibration' } },
  });
  if (values.simulate === undefined || values.misfit === undefined)
    throw new Error('say which board it was: --simulate CLASS --misfit SEED, as it was calibrated');
  const board = virtualBoard(values.simulate, Number(values.misfit));
  const { signal } = abortOnSignals();
  const record = JSON.parse(only(values.out, '.measurements.json')) as CalibrationRecord;
  const errors = probeErrors(board, await readAll(probes(), signal), record);
  const networks = predictions(board, await readAll(heldOutFiles(), signal), only(values.out, '-calibrated.json'));
  const { meanAbsolutePercent, medianAbsolutePercent } = scoresOf(networks);
  const covered = mean(networks.map((one) => Number(one.covered)));
  console.log(
    [
      `measurements of probes: ${errors.length}, off by ${mean(errors).toFixed(1)} % on average, ${Math.max(...errors).toFixed(1)} % at most, after one factor for the boot`,
      `networks that were not measured: ${networks.length}, mean error ${meanAbsolutePercent.toFixed(1)} %, median ${medianAbsolutePercent.toFixed(1)} %, ${(100 * covered).toFixed(1)} % inside the ${confidencePercent} % interval`,
    ].join('\n'),
  );
}

// The other benchmarks' runner imports every file of this folder.
if (import.meta.main) await main();
