import { writeFile } from 'node:fs/promises';
import { analyzeGraph, UnsupportedModelError } from '../../energy/graph/extract/analyze.ts';
import { askedKey, choosePredictor } from '../../energy/prediction/catalogue.ts';
import { boundaries } from '../../energy/prediction/prediction.ts';
import { type Predictor, predict } from '../../energy/prediction/predictor.ts';
import { rank, recommend as recommendation, type Wishes } from '../../energy/prediction/recommendation.ts';
import { formatEnergy, parseEnergy } from '../../energy/units.ts';
import { CommandError, exitCodes, usageError } from '../exit-codes.ts';
import { oneOf } from '../flags/one-of.ts';
import { parseOutputFormat, printJson } from '../output/format.ts';
import { formatTable } from '../output/table.ts';
import { loadPredictors } from '../predictor-files.ts';
import { findCandidates } from '../recommend/candidates.ts';
import { paretoPlot } from '../recommend/plot.ts';
import type { Recommended } from '../recommend/recommended.ts';

interface RecommendFlags {
  device: string;
  boundary?: string;
  runtime?: string;
  predictors?: string;
  maxEnergy?: string;
  maxLatency?: string;
  maxSize?: string;
  top: string;
  plot?: string;
  output: string;
}

const confidencePercent = 90;

/** Exit code 3 when a budget is given and no model is recommended for it. */
export async function recommend(paths: readonly string[], flags: RecommendFlags, signal: AbortSignal): Promise<void> {
  const format = parseOutputFormat(flags.output);
  const wishes = parseWishes(flags);
  const top = parseAmount('--top', flags.top, /^(\d+)$/, '10', () => 1);
  const candidates = await findCandidates(paths);
  const predictors = await choose(flags);
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
  else process.stdout.write(formatRecommendations(shown, refused));
  if (wishes.maximumJoules !== undefined && !ranked.some(({ advice }) => advice === 'Deploy'))
    process.exitCode = exitCodes.negative;
}

async function choose(flags: RecommendFlags): Promise<Predictor[]> {
  const predictors = await loadPredictors(flags.predictors);
  const boundary = flags.boundary === undefined ? undefined : oneOf('--boundary', flags.boundary, boundaries);
  const runtimes = [...new Set(predictors.flatMap(({ card }) => card.key.runtime ?? []))].sort();
  if (flags.runtime !== undefined) oneOf('--runtime', flags.runtime, runtimes);
  if (flags.device === 'all') return predictors.filter(({ card }) => boundary === undefined || card.boundary === boundary);
  return flags.device.split(',').map((deviceClass) => {
    const found = choosePredictor(predictors, {
      deviceClass,
      ...(boundary === undefined ? {} : { boundary }),
      ...(flags.runtime === undefined ? {} : { runtime: flags.runtime }),
    });
    if (found) return found;
    const known = [...new Set(predictors.map(({ card }) => `${card.deviceClass} (${card.boundary})`))].join(', ');
    throw new CommandError(
      `device class ${deviceClass} has no predictor: nothing was measured, so nothing is recommended`,
      `predictors at hand: ${known}`,
      { exitCode: exitCodes.negative },
    );
  });
}

function parseWishes({ maxEnergy, maxLatency, maxSize }: RecommendFlags): Wishes {
  const seconds = { s: 1, ms: 1e-3 };
  const bytes = { KB: 1e3, MB: 1e6, GB: 1e9 };
  return {
    ...(maxEnergy === undefined ? {} : { maximumJoules: parseBudget(maxEnergy) }),
    ...(maxLatency === undefined
      ? {}
      : {
          maximumSeconds: parseAmount('--max-latency', maxLatency, /^(\d+(?:\.\d+)?)(ms|s)$/, '500ms', (unit) =>
            unit === 'ms' ? seconds.ms : seconds.s,
          ),
        }),
    ...(maxSize === undefined
      ? {}
      : {
          maximumBytes: parseAmount('--max-size', maxSize, /^(\d+(?:\.\d+)?)(KB|MB|GB)$/, '100MB', (unit) =>
            unit === 'KB' ? bytes.KB : unit === 'GB' ? bytes.GB : bytes.MB,
          ),
        }),
  };
}

function parseBudget(text: string): number {
  try {
    return parseEnergy(text);
  } catch (error) {
    throw usageError(`--max-energy ${text} is not an energy`, 'write for example --max-energy 80mJ', error);
  }
}

function parseAmount(flag: string, text: string, pattern: RegExp, example: string, scale: (unit: string) => number): number {
  const [, number, unit = ''] = pattern.exec(text) ?? [];
  const value = Number(number) * scale(unit);
  if (value > 0) return value;
  throw usageError(`${flag} ${text} is not understood`, `write for example ${flag} ${example}`);
}

function formatRecommendations(
  rows: readonly Recommended[],
  refused: readonly { file: string; reason: string; message: string }[],
): string {
  const table = formatTable(
    [
      { title: 'RANK', value: (row) => String(row.rank), align: 'right' },
      { title: 'MODEL', value: (row) => row.file },
      { title: 'DEVICE CLASS', value: (row) => `${row.deviceClass} (${row.boundary})` },
      { title: 'ENERGY', value: (row) => formatEnergy(row.joules), align: 'right' },
      {
        title: `INTERVAL ${confidencePercent} %`,
        value: ({ prediction: { joulesPerInference: one } }) => `[${formatEnergy(one.lower)}, ${formatEnergy(one.upper)}]`,
      },
      {
        title: 'LATENCY',
        value: ({ prediction: { latencySeconds } }) =>
          latencySeconds ? `${(latencySeconds.estimate * 1000).toPrecision(3)} ms` : '-',
        align: 'right',
      },
      { title: 'CATEGORY', value: (row) => row.category ?? (row.prediction.inDomain ? '-' : 'out of domain') },
      { title: 'VERDICT', value: (row) => row.verdict },
      { title: 'ADVICE', value: (row) => row.advice },
    ],
    rows,
  );
  const reasons = rows.map((row) => `  ${row.rank}. ${row.file} on ${row.deviceClass}: ${row.reasons.join('; ')}\n`);
  const refusals = refused.map(({ file, reason, message }) => `  refused: ${file}: ${reason}: ${message}\n`);
  return `${table}\n\n${[...reasons, ...refusals].join('')}`;
}
