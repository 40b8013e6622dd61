// Which variant of a model version goes onto one device: the cheapest that qualifies, or why none does.
import type { EdgeDevice } from '../../crds/edge-device.ts';
import type { CandidateVerdict, ModelDeployment } from '../../crds/model-deployment.ts';
import type { ModelVersion, Variant } from '../../crds/model-version.ts';
import type { Estimate } from '../../energy/prediction/prediction.ts';
import type { VariantEstimate, VariantEstimator } from './estimator.ts';

export type VariantChoice =
  | { kind: 'chosen'; variant: Variant; estimate: VariantEstimate }
  | { kind: 'refused'; verdict: CandidateVerdict; message: string; estimate?: VariantEstimate };

export function chooseVariant(
  estimator: VariantEstimator,
  deployment: ModelDeployment,
  version: ModelVersion,
  device: EdgeDevice,
): VariantChoice {
  const { variantNames = [] } = deployment.spec.placement;
  const named = version.spec.variants.filter((variant) => variantNames.length === 0 || variantNames.includes(variant.name));
  if (named.length === 0)
    return {
      kind: 'refused',
      verdict: 'Unknown',
      message: `${version.metadata.name} has no variant ${variantNames.join(', ')}: correct placement.variantNames`,
    };
  const accurate = named.filter((variant) => accuracyProblem(deployment, variant) === undefined);
  const [first] = named;
  if (accurate.length === 0 && first)
    return { kind: 'refused', verdict: 'AccuracyTooLow', message: accuracyProblem(deployment, first) ?? '' };
  const estimates = accurate.map((variant) => ({ variant, estimate: estimator.estimate(deployment, variant, device) }));
  const admitted = estimates.filter(({ estimate }) => estimate.admission !== 'Refused');
  const pool = admitted.length > 0 ? admitted : estimates;
  const best = pool.reduce((a, b) => (betterThan(b.estimate, a.estimate) ? b : a));
  if (admitted.length > 0) return { kind: 'chosen', ...best };
  return { kind: 'refused', verdict: refusalOf(best.estimate), message: best.estimate.message, estimate: best.estimate };
}

function accuracyProblem(deployment: ModelDeployment, variant: Variant): string | undefined {
  const minimum = deployment.spec.requirements?.minimumAccuracyPermille;
  if (minimum === undefined) return undefined;
  const declared = variant.declaredAccuracyPermille;
  if (declared === undefined)
    return `variant ${variant.name} declares no accuracy, requirements.minimumAccuracyPermille is ${minimum}`;
  return declared < minimum
    ? `variant ${variant.name} declares ${declared} permille < requirements.minimumAccuracyPermille ${minimum}`
    : undefined;
}

/** What needs no test comes first, then the cheaper one; equal ones stay in the order of the spec. */
function betterThan(a: VariantEstimate, b: VariantEstimate): boolean {
  const tested = (estimate: VariantEstimate) => Number(estimate.admission !== 'Direct');
  if (tested(a) !== tested(b)) return tested(a) < tested(b);
  return joules(a) < joules(b);
}

function joules(estimate: VariantEstimate): number {
  return predictedJoules(estimate)?.estimate ?? Number.POSITIVE_INFINITY;
}

/** Joules per inference at the budget's boundary; nothing when the class only has predictors of other boundaries. */
export function predictedJoules(estimate: VariantEstimate): Estimate | undefined {
  const { prediction, boundary } = estimate;
  return prediction?.boundary === boundary ? prediction.joulesPerInference : undefined;
}

function refusalOf(estimate: VariantEstimate): CandidateVerdict {
  if (estimate.reason === 'LoadExceedsCapacity') return 'LoadExceedsCapacity';
  return estimate.verdict === 'WithinBudget' ? 'ExceedsBudget' : estimate.verdict;
}
