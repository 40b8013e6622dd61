import { stat } from 'node:fs/promises';
import type { GraphAnalysis } from '../../energy/graph/analysis.ts';
import { type AnalysisOptions, analyzeGraph, UnsupportedModelError } from '../../energy/graph/extract/analyze.ts';
import { reportPrediction } from '../../energy/prediction/catalogue.ts';
import { explain, explainLayers } from '../../energy/prediction/predictor.ts';
import { choosePredictors, type PredictorFlags } from '../choose-predictors.ts';
import { CommandError, usageError } from '../exit-codes.ts';
import { parseDimensions } from '../flags/dimensions.ts';
import { parseOutputFormat, printJson } from '../output/format.ts';
import { nextSteps } from '../output/unsupported-model.ts';
import { caveats, formatExplanation, formatReports } from '../predict/predict-text.ts';

interface PredictFlags extends PredictorFlags {
  confidence: string;
  explain: boolean;
  dimension?: string[];
  output: string;
}

export async function predict(file: string, flags: PredictFlags, signal: AbortSignal): Promise<void> {
  const format = parseOutputFormat(flags.output);
  const confidencePercent = parseConfidence(flags.confidence);
  const dimensions = parseDimensions(flags.dimension);
  await checkFile(file);
  const chosen = await choosePredictors(flags);
  const analysis = await analyze(file, { layers: flags.explain, dimensions, signal });
  const rows = chosen.map(({ predictor, deviceClass }) => ({
    predictor,
    report: reportPrediction(predictor, analysis, {
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
    printJson(reports.length === 1 && flags.device !== 'all' ? reports[0] : reports);
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

async function analyze(file: string, options: AnalysisOptions): Promise<GraphAnalysis> {
  try {
    return await analyzeGraph(file, options);
  } catch (error) {
    if (!(error instanceof UnsupportedModelError)) throw error;
    const next = error.message.endsWith('=SIZE') ? 'say the size with --dimension NAME=SIZE' : nextSteps[error.reason];
    throw new CommandError(`${file}: ${error.reason}: ${error.message}`, next, { cause: error });
  }
}

function parseConfidence(text: string): number {
  const percent = Number(text);
  if (percent >= 50 && percent <= 99) return percent;
  throw usageError(`--confidence ${text} is not a percentage from 50 to 99`, 'write for example --confidence 90');
}
