// Whose proportions between costs a board's probes are fitted with.
import { matchKeys } from '../prediction/class-key.ts';
import type { ClassKey } from '../prediction/prediction.ts';
import type { Predictor } from '../prediction/predictor.ts';
import { descriptorNames, descriptors } from '../prediction/quantities.ts';
import { mean } from '../prediction/training/scores.ts';
import { type BoardMeasurement, leaveOneOut } from './board-fit.ts';

/**
 * Of several: first those trained on networks with every kind of work that the probes have; then those whose key differs from
 * the board's in the fewest parts but the board itself, as a processor's costs are in other proportions than a GPU's; then the
 * one that predicts left-out probes best. These errors alone choose badly: probes do not show how far costs extrapolate.
 * @throws RangeError without any.
 */
export function bestSource(sources: readonly Predictor[], measured: readonly BoardMeasurement[], key: ClassKey): Predictor {
  const { board: _, ...circumstances } = key;
  const ranked = sources
    .map((source) => ({
      source,
      unseen: unseenWork(source, measured),
      mismatches: matchKeys(source.card.key, circumstances).mismatches.length,
      error: mean(leaveOneOut(source, measured, 'energy').map(({ logResidual }) => Math.abs(logResidual))),
    }))
    .sort((left, right) => left.unseen - right.unseen || left.mismatches - right.mismatches || left.error - right.error);
  const best = ranked[0]?.source;
  if (best) return best;
  throw new RangeError('there is no predictor to take proportions between costs from: name one that was trained on a board');
}

/** Kinds of work that some probe has and no network had that the source was trained on. */
function unseenWork({ card }: Predictor, measured: readonly BoardMeasurement[]): number {
  const all = measured.map(({ features, batch }) => descriptors(features, batch));
  return descriptorNames.filter((name, index) => {
    const [, largest] = card.featureRanges[name] ?? [0, 0];
    return name.includes('Share') && largest === 0 && all.some((row) => (row[index] ?? 0) > 0);
  }).length;
}
