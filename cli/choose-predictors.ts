// Which predictors answer for what a person asked.
import { choosePredictor } from '../energy/prediction/catalogue.ts';
import { boundaries } from '../energy/prediction/prediction.ts';
import type { Predictor } from '../energy/prediction/predictor.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { oneOf } from './flags/one-of.ts';
import { loadPredictors } from './predictor-files.ts';

export interface PredictorFlags {
  /** Classes separated by commas, or `all`. */
  device: string;
  boundary?: string;
  runtime?: string;
  /** A file or directory of a person's own. */
  predictors?: string;
}

export interface ChosenPredictor {
  predictor: Predictor;
  /** As asked: a simulated class borrows the predictors of what it simulates. */
  deviceClass: string;
}

/**
 * One predictor for each class that is named; every one at hand for `all`.
 * @throws CommandError for a class without one: a runtime that no predictor knows would be a guess at what was meant, too.
 */
export async function choosePredictors(flags: PredictorFlags): Promise<ChosenPredictor[]> {
  const boundary = flags.boundary === undefined ? undefined : oneOf('--boundary', flags.boundary, boundaries);
  const predictors = await loadPredictors(flags.predictors);
  const runtimes = [...new Set(predictors.flatMap(({ card }) => card.key.runtime ?? []))].sort();
  if (flags.runtime !== undefined) oneOf('--runtime', flags.runtime, runtimes);
  if (flags.device === 'all') {
    const all = predictors.filter(({ card }) => boundary === undefined || card.boundary === boundary);
    if (all.length === 0) throw noPredictor('no device class has a predictor', boundary, predictors);
    return all.map((predictor) => ({ predictor, deviceClass: predictor.card.deviceClass }));
  }
  return flags.device.split(',').map((deviceClass) => {
    const predictor = choosePredictor(predictors, {
      deviceClass,
      ...(boundary === undefined ? {} : { boundary }),
      ...(flags.runtime === undefined ? {} : { runtime: flags.runtime }),
    });
    if (predictor) return { predictor, deviceClass };
    throw noPredictor(`device class ${deviceClass} has no predictor`, boundary, predictors);
  });
}

function noPredictor(what: string, boundary: string | undefined, predictors: readonly Predictor[]): CommandError {
  const known = [...new Set(predictors.map(({ card }) => `${card.deviceClass} (${card.boundary})`))].join(', ');
  return new CommandError(
    `${what}${boundary === undefined ? '' : ` at boundary ${boundary}`}: nothing was measured, so nothing is said`,
    `predictors at hand: ${known}`,
    { exitCode: exitCodes.negative },
  );
}
