import { writeFile } from 'node:fs/promises';
import { analyzeGraph, UnsupportedModelError } from '../../energy/graph/extract/analyze.ts';
import { askedKey } from '../../energy/prediction/catalogue.ts';
import { predict } from '../../energy/prediction/predictor.ts';
import { rank, recommend as recommendation } from '../../energy/prediction/recommendation.ts';
import { choosePredictors, type PredictorFlags } from '../choose-predictors.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { parseDimensions } from '../flags/dimensions.ts';
import { wholeNumber } from '../flags/number.ts';
import { parseOutputFormat, printJson } from '../output/format.ts';
import { readWithoutRunning } from '../predict/predict-text.ts';
import { findCandidates } from '../recommend/candidates.ts';
import { paretoPlot } from '../recommend/plot.ts';
import { formatRecommendations } from '../recommend/recommend-text.ts';
import type { Recommended } from '../recommend/recommended.ts';
import { parseWishes, type WishFlags } from '../recommend/wishes.ts';

interface RecommendFlags extends PredictorFlags, WishFlags {
  top: string;
  dimension?: string[];
  plot?: string;
  output: string;
}

const confidencePercent = 90;

/** Exit code 3 when a budget is given and no model is recommended for it. */
export async function recommend(paths: readonly string[], flags: RecommendFlags, signal: AbortSignal): Promise<void> {
  const format = parseOutputFormat(flags.output);
  const wishes = parseWishes(flags);
  const top = wholeNumber('--top', flags.top, 1);
  const dimensions = parseDimensions(flags.dimension);
  const candidates = await findCandidates(paths);
  const chosen = (await choosePredictors(flags)).map((choice) => ({ ...choice, rows: [] as Omit<Recommended, 'rank'>[] }));
  const refused: { file: string; reason: string; message: string }[] = [];
  for (const [index, candidate] of candidates.entries()) {
    if (process.stderr.isTTY) process.stderr.write(`reading ${index + 1} of ${candidates.length}: ${candidate.file}\n`);
    try {
      const { features, precision, path } = await analyzeGraph(candidate.file, { signal, dimensions });
      for (const { predictor, deviceClass, rows } of chosen) {
        const key = askedKey(predictor, precision, flags.runtime);
        const prediction = predict(predictor, features, key, { confidencePercent, path });
        const { boundary } = predictor.card;
        const advice = recommendation(prediction, predictor.card, candidate.sizeBytes, wishes);
        const reasons = [...advice.reasons, ...(path === 'static' ? [readWithoutRunning] : [])];
        rows.push({
          ...candidate,
          ...advice,
          reasons,
          deviceClass,
          boundary,
          joules: prediction.joulesPerInference.estimate,
          prediction,
        });
      }
    } catch (error) {
      if (!(error instanceof UnsupportedModelError)) throw error;
      refused.push({ file: candidate.file, reason: error.reason, message: error.message });
    }
  }
  const ranked = chosen.flatMap(({ rows }) => rank(rows).map((row, index) => ({ ...row, rank: index + 1 })));
  if (flags.plot !== undefined) await writePlot(flags.plot, paretoPlot(ranked, wishes.maximumJoules));
  const shown = ranked.filter((row) => row.rank <= top);
  if (format === 'json') printJson({ recommendations: shown, refused });
  else process.stdout.write(formatRecommendations(shown, refused, confidencePercent));
  if (wishes.maximumJoules !== undefined && !ranked.some(({ advice }) => advice === 'Deploy'))
    process.exitCode = exitCodes.negative;
}

async function writePlot(file: string, picture: string): Promise<void> {
  await writeFile(file, picture).catch((error: Error) => {
    throw new CommandError(
      `--plot ${file} cannot be written: ${error.message}`,
      'name a file in a directory that you may write',
      {
        cause: error,
      },
    );
  });
}
