// What a predictor's file must hold so that asking it cannot fail, or answer with no number: files come from other machines.
import { boundaries } from './prediction.ts';
import { descriptorNames, rooflineTerms } from './quantities.ts';

type Fields = Record<string, unknown>;

/** What is wrong with a file of the right format, in words that follow the predictor's name; undefined when nothing is. */
export function artifactProblem(artifact: Fields): string | undefined {
  const { version, card, descriptors, hull, points, energy, latency } = artifact;
  const width = descriptorNames.length;
  if (!Array.isArray(descriptors) || descriptors.join() !== descriptorNames.join()) return 'was trained with other descriptors';
  if (!Number.isInteger(version) || (version as number) < 1) return `has version ${String(version)}, not a whole number from 1`;
  if (!isFields(hull) || !areNumbers(hull['means'], width) || !areNumbers(hull['scales'], width) || !isAtLeast(hull['reach'], 0))
    return 'has no hull of its descriptors';
  if (!hull['scales'].every((scale) => scale > 0)) return 'has a scale of its hull that is not above zero';
  if (!Array.isArray(points) || !points.every((point) => areNumbers(point, width))) return 'has points without its descriptors';
  for (const [name, stored] of Object.entries({ energy, latency })) {
    if (!isFields(stored) || !areNumbers(stored['weights'], points.length) || !areNumbers(stored['slope'], width))
      return `has not one weight for each of its points (${name})`;
    const problem = modelProblem(stored);
    if (problem !== undefined) return `${problem} (${name})`;
  }
  return isFields(card) ? cardProblem(card) : 'has no card';
}

function modelProblem({ roofline, parameters, intercept, calibration }: Fields): string | undefined {
  const terms: readonly string[] = rooflineTerms;
  if (!isFields(roofline) || !Object.entries(roofline).every(([term, cost]) => terms.includes(term) && isAtLeast(cost, 0)))
    return 'has a cost that is not known, or below zero';
  if (!isFields(parameters) || !isAtLeast(parameters['lengthScale'], Number.MIN_VALUE)) return 'has no length scale above zero';
  if (!isNumber(intercept)) return 'has no intercept';
  if (!isFields(calibration) || !areScores(calibration['inside']) || !areScores(calibration['outside']))
    return 'has no errors that an interval could stand on';
  return undefined;
}

/** The parts that answers are made of. */
function cardProblem({
  deviceClass,
  key,
  boundary,
  quantity,
  assumptions,
  scaleAssumed,
  featureRanges,
}: Fields): string | undefined {
  if (typeof deviceClass !== 'string' || deviceClass === '') return 'names no device class on its card';
  if (!(boundaries as readonly unknown[]).includes(boundary)) return `has boundary ${String(boundary)} on its card`;
  if (quantity !== 'Active' && quantity !== 'Marginal') return `has quantity ${String(quantity)} on its card`;
  if (!isFields(key)) return 'has no key on its card';
  if (!Array.isArray(assumptions) || typeof scaleAssumed !== 'boolean') return 'does not say on its card what was assumed';
  return isFields(featureRanges) ? undefined : 'has no ranges of features on its card';
}

function areScores(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { sorted, count } = value;
  if (!Array.isArray(sorted) || !areNumbers(sorted, sorted.length) || !Number.isInteger(count)) return false;
  return sorted.every((score, index) => score >= (sorted[index - 1] ?? 0)) && (count as number) >= sorted.length;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function areNumbers(value: unknown, length: number): value is number[] {
  return Array.isArray(value) && value.length === length && value.every(isNumber);
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

function isAtLeast(value: unknown, least: number): boolean {
  return isNumber(value) && value >= least;
}
