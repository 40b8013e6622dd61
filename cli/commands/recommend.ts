import { writeFile } from 'node:fs/promises';
import { analyzeGraph, UnsupportedModelError } from '../../energy/graph/extract/analyze.ts';
import { askedKey } from '../../energy/prediction/catalogue.ts';
import { predict } from '../../energy/prediction/predictor.ts';
import { rank, recommend as recommendation } from '../../energy/prediction/recommendation.ts';
import { choosePredictors, type PredictorFlags } from '../choose-predictors.ts';
import { exitCodes } from '../exit-codes.ts';
import { wholeNumber } from '../flags/number.ts';
import { parseOutputFormat, printJson } from '../output/format.ts';
import { findCandidates } from '../recommend/candidates.ts';
import { paretoPlot } from '../recommend/plot.ts';
import { formatRecommendations } from '../recommend/recommend-text.ts';
import type { Recommended } from '../recommend/recommended.ts';
import { parseWishes, type WishFlags } from '../recommend/wishes.ts';

interface RecommendFlags extends PredictorFlags, WishFlags {
  top: string;
  plot?: string;
  output: string;
}

const confidencePercent = 90;

/** Exit code 3 when a budget is given and no model is recommended for it. */
export async function recommend(paths: readonly string[], flags: RecommendFlags, signal: AbortSignal): Promise<void> {
  const format = parseOutputFormat(flags.output);
  const wishes = parseWishes(flags);
  const top = wholeNumber('--top', flags.top, 1);
  const candidates = await findCandidates(paths);
  const predictors = (await choosePredictors(flags)).map(({ predictor }) => predictor);
  const rows: Omit<Recommended, 'rank'>[] = [];
  const refused: { file: string; reason: string; message: string }[] = [];
  for (const [index, candidate] of candidates.entries()) {
    if (process.stderr.isTTY) process.stderr.write(`reading ${index + 1} of ${candidates.length}: ${candidate.file}\n`);
    try {
      const { features } = await analyzeGraph(candidate.file, { signal });
      for (const predictor of predictors) {
        const key = askedKey(predictor, flags.runtime);
        const prediction = predict(predictor, features, key, { confidencePercent });
        const { deviceClass, boundary } = predictor.card;
        const advice = recommendation(prediction, predictor.card, candidate.sizeBytes, wishes);
        rows.push({ ...candidate, ...advice, deviceClass, boundary, joules: prediction.joulesPerInference.estimate, prediction });
      }
    } catch (error) {
      if (!(error instanceof UnsupportedModelError)) throw error;
      refused.push({ file: candidate.file, reason: error.reason, message: error.message });
    }
  }
  const ranked = predictors.flatMap(({ card }) =>
    rank(rows.filter((row) => row.deviceClass === card.deviceClass && row.boundary === card.boundary)).map((row, index) => ({
      ...row,
      rank: index + 1,
    })),
  );
  if (flags.plot !== undefined) await writeFile(flags.plot, paretoPlot(ranked, wishes.maximumJoules));
  const shown = ranked.filter((row) => row.rank <= top);
  if (format === 'json') printJson({ recommendations: shown, refused });
  else process.stdout.write(formatRecommendations(shown, refused, confidencePercent));
  if (wishes.maximumJoules !== undefined && !ranked.some(({ advice }) => advice === 'Deploy'))
    process.exitCode = exitCodes.negative;
}
