import { stat } from 'node:fs/promises';
import type { GraphAnalysis } from '../../energy/graph/analysis.ts';
import { analyzeGraph, UnsupportedModelError } from '../../energy/graph/extract/analyze.ts';
import { choosePredictor, type PredictionReport, reportPrediction } from '../../energy/prediction/catalogue.ts';
import { type Boundary, boundaries } from '../../energy/prediction/prediction.ts';
import { explain, explainLayers, type Predictor } from '../../energy/prediction/predictor.ts';
import { formatEnergy } from '../../energy/units.ts';
import { CommandError, exitCodes, usageError } from '../exit-codes.ts';
import { oneOf } from '../flags/one-of.ts';
import { parseOutputFormat, printJson } from '../output/format.ts';
import { formatTable } from '../output/table.ts';
import { nextSteps } from '../output/unsupported-model.ts';
import { loadPredictors } from '../predictor-files.ts';

interface PredictFlags {
  device: string;
  boundary?: string;
  runtime?: string;
  predictors?: string;
  confidence: string;
  explain: boolean;
  output: string;
}

export async function predict(file: string, flags: PredictFlags, signal: AbortSignal): Promise<void> {
  const format = parseOutputFormat(flags.output);
  const boundary = flags.boundary === undefined ? undefined : oneOf('--boundary', flags.boundary, boundaries);
  const confidencePercent = parseConfidence(flags.confidence);
  await checkFile(file);
  const predictors = await loadPredictors(flags.predictors);
  if (flags.runtime !== undefined) checkRuntime(flags.runtime, predictors);
  const chosen = choose(predictors, flags, boundary);
  const analysis = await analyze(file, flags.explain, signal);
  const rows = chosen.map(({ predictor, deviceClass }) => ({
    predictor,
    report: reportPrediction(predictor, analysis.features, {
      deviceClass,
      confidencePercent,
      boundary: predictor.card.boundary,
      ...(flags.runtime === undefined ? {} : { runtime: flags.runtime }),
    }),
  }));
  if (format === 'json') {
    const reports = rows.map(({ report, predictor }) =>
      flags.explain
        ? {
            ...report,
            explanation: explain(predictor, analysis.features),
            layers: explainLayers(predictor, analysis.features, analysis.layers ?? []),
          }
        : report,
    );
    printJson(flags.device === 'all' ? reports : reports[0]);
    return;
  }
  process.stdout.write(`${formatReports(rows.map(({ report }) => report))}\n`);
  for (const { report } of rows) process.stdout.write(caveats(report));
  if (flags.explain)
    for (const { predictor, report } of rows) process.stdout.write(formatExplanation(predictor, report, analysis));
}

async function checkFile(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (!found) throw usageError(`${file}: there is no such file`, 'name an .onnx file');
  if (!found.isFile()) throw usageError(`${file} is not a file`, 'name an .onnx file');
}

async function analyze(file: string, layers: boolean, signal: AbortSignal): Promise<GraphAnalysis> {
  try {
    return await analyzeGraph(file, { signal, layers });
  } catch (error) {
    if (!(error instanceof UnsupportedModelError)) throw error;
    throw new CommandError(`${file}: ${error.reason}: ${error.message}`, nextSteps[error.reason], { cause: error });
  }
}

/** One predictor for a named class; every one at hand for `all`. */
function choose(predictors: readonly Predictor[], flags: PredictFlags, boundary: Boundary | undefined) {
  if (flags.device === 'all') {
    const all = predictors.filter((predictor) => boundary === undefined || predictor.card.boundary === boundary);
    return all.map((predictor) => ({ predictor, deviceClass: predictor.card.deviceClass }));
  }
  const predictor = choosePredictor(predictors, {
    deviceClass: flags.device,
    ...(boundary === undefined ? {} : { boundary }),
    ...(flags.runtime === undefined ? {} : { runtime: flags.runtime }),
  });
  if (predictor) return [{ predictor, deviceClass: flags.device }];
  const known = [...new Set(predictors.map((one) => `${one.card.deviceClass} (${one.card.boundary})`))].join(', ');
  throw new CommandError(
    `device class ${flags.device} has no predictor${boundary === undefined ? '' : ` at boundary ${boundary}`}: nothing was measured, so nothing is said`,
    `predictors at hand: ${known}`,
    { exitCode: exitCodes.negative },
  );
}

function formatReports(reports: readonly PredictionReport[]): string {
  return formatTable(
    [
      { title: 'DEVICE CLASS', value: (row) => row.deviceClass },
      { title: 'BOUNDARY', value: (row) => row.boundary },
      { title: 'QUANTITY', value: (row) => row.quantity },
      { title: 'ENERGY/INFERENCE', value: (row) => formatEnergy(row.joulesPerInference.estimate), align: 'right' },
      { title: 'INTERVAL', value: formatInterval },
      {
        title: 'LATENCY',
        value: (row) => (row.latencySeconds === null ? '-' : `${(row.latencySeconds * 1000).toPrecision(3)} ms`),
        align: 'right',
      },
      { title: 'IN DOMAIN', value: (row) => (row.inDomain ? 'yes' : 'no') },
      { title: 'TRANSFERRED', value: (row) => (row.transferred ? 'yes' : 'no') },
      { title: 'PREDICTOR', value: (row) => row.predictor },
    ],
    reports,
  );
}

function formatInterval({ joulesPerInference }: PredictionReport): string {
  const { lower, upper, confidencePercent } = joulesPerInference;
  return `[${formatEnergy(lower)}, ${formatEnergy(upper)}] ${confidencePercent} %`;
}

function caveats(report: PredictionReport): string {
  const notes = [
    ...(report.inDomain ? [] : ['the network is unlike those the predictor was trained on: only a measurement can decide']),
    ...report.mismatches.map((mismatch) => `transferred, ${mismatch}`),
  ];
  return notes.map((note) => `  ${report.predictor}: ${note}\n`).join('');
}

const shownLayers = 10;

function formatExplanation(predictor: Predictor, report: PredictionReport, { layers = [] }: GraphAnalysis): string {
  const table = formatTable(
    [
      { title: 'OPERATORS', value: (row) => row.part },
      { title: 'ENERGY', value: (row) => formatEnergy(row.joules), align: 'right' },
      { title: 'SHARE', value: (row) => `${row.percent.toFixed(1)} %`, align: 'right' },
    ],
    explain(predictor, report.features),
  );
  const costliest = explainLayers(predictor, report.features, layers)
    .sort((left, right) => right.joules - left.joules)
    .slice(0, shownLayers);
  const layerTable = formatTable(
    [
      { title: `COSTLIEST OF ${layers.length} NODES`, value: (row) => row.name.slice(0, 60) || row.operator },
      { title: 'OPERATOR', value: (row) => row.operator },
      { title: 'CLASS', value: (row) => row.nodeClass },
      { title: 'ENERGY', value: (row) => formatEnergy(row.joules), align: 'right' },
      { title: 'SHARE', value: (row) => `${row.percent.toFixed(1)} %`, align: 'right' },
    ],
    costliest,
  );
  const assumptions = report.assumptions.map((assumption) => `  assumed: ${assumption}\n`).join('');
  return `\n${report.predictor}: how the prediction is shared out (no operator was measured)\n${table}\n\n${layerTable}\n${assumptions}`;
}

/** A prediction for a runtime that no predictor knows would be no more than a guess at what was meant. */
function checkRuntime(runtime: string, predictors: readonly Predictor[]): void {
  const known = [...new Set(predictors.flatMap(({ card }) => card.key.runtime ?? []))].sort();
  oneOf('--runtime', runtime, known);
}

function parseConfidence(text: string): number {
  const percent = Number(text);
  if (percent >= 50 && percent <= 99) return percent;
  throw usageError(`--confidence ${text} is not a percentage from 50 to 99`, 'write for example --confidence 90');
}
