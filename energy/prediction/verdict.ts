// Judges a budget against what a predictor or a meter says: the only place that turns energies into verdicts.
import { formatEnergy, formatPower, formatRate } from '../units.ts';
import type { Boundary, Estimate, Prediction, Quantity } from './prediction.ts';

export type EnergyVerdict = 'WithinBudget' | 'ExceedsBudget' | 'Uncertain' | 'Unknown';

/** A subset of the condition reasons of crds/conditions.ts. */
export type VerdictReason =
  | 'WithinBudget'
  | 'BudgetExceededPredicted'
  | 'BudgetExceededMeasured'
  | 'BudgetUncertain'
  | 'NoPredictor'
  | 'NoPowerSource'
  | 'NoIdlePower'
  | 'BoundaryMismatch'
  | 'BelowResolution'
  | 'OutOfDomain'
  | 'Transferred'
  | 'NoDeclaredLoad'
  | 'LoadExceedsCapacity';

export interface Judgement {
  verdict: EnergyVerdict;
  reason: VerdictReason;
  /** Names the number that decided. */
  message: string;
}

/** What energyPerInference means at a boundary: the core rail's data and meter are idle-subtracted. */
export function quantityAt(boundary: Boundary): Quantity {
  return boundary === 'CoreRail' ? 'Marginal' : 'Active';
}

/** The worst verdict of several amounts is the class's. */
export function worstVerdict(verdicts: readonly EnergyVerdict[]): EnergyVerdict {
  const order: EnergyVerdict[] = ['ExceedsBudget', 'Unknown', 'Uncertain', 'WithinBudget'];
  return order.find((verdict) => verdicts.includes(verdict)) ?? 'Unknown';
}

/** `energyPerInference` (joules, per device) against a prediction; no prediction means no predictor of that boundary. */
export function judgePrediction(question: {
  budgetJoules: number;
  boundary: Boundary;
  prediction?: Prediction | undefined;
}): Judgement {
  const { budgetJoules, boundary, prediction } = question;
  const compared = compare(boundary, prediction);
  if (compared.kind === 'unknown') return compared.judgement;
  return judgeEstimate(compared.prediction, compared.prediction.joulesPerInference, budgetJoules, formatEnergy);
}

export interface PowerQuestion {
  /** averagePower in watts, or energyPerDay divided by 86,400 s. */
  budgetWatts: number;
  boundary: Boundary;
  /** Marginal counts what the model adds; Whole what the board draws. */
  powerBasis: 'Marginal' | 'Whole';
  /** Declared requests per second on one device. */
  requestRate?: number | undefined;
  /** At the same boundary; undefined when neither the device nor its class knows. */
  idleWatts?: number | undefined;
  prediction?: Prediction | undefined;
}

/** Power amounts: rate × marginal energy, plus idle for Whole. */
export function judgePower(question: PowerQuestion): Judgement {
  const { boundary, prediction, requestRate, budgetWatts } = question;
  if (requestRate === undefined)
    return unknown(
      'NoDeclaredLoad',
      'a power amount needs load.requestRate: declare how many requests per second one device gets',
    );
  const compared = compare(boundary, prediction);
  if (compared.kind === 'unknown') return compared.judgement;
  const power = predictPower(compared.prediction, { ...question, requestRate });
  if (power.kind === 'unknown') return power.judgement;
  return judgeEstimate(compared.prediction, power.watts, budgetWatts, formatPower);
}

export type PredictedPower = { kind: 'power'; watts: Estimate } | { kind: 'unknown'; judgement: Judgement };

/** Watts that a placement adds (Marginal) or that the board then draws (Whole), bounds kept linear: errors of one predictor are correlated. */
export function predictPower(
  prediction: Prediction,
  load: { requestRate: number; powerBasis: 'Marginal' | 'Whole'; idleWatts?: number | undefined },
): PredictedPower {
  const { requestRate, powerBasis, idleWatts } = load;
  const seconds = decidingSeconds(prediction);
  if (seconds !== undefined && requestRate * seconds > 1)
    return {
      kind: 'unknown',
      judgement: unknown(
        'LoadExceedsCapacity',
        `${formatRate(requestRate)} × ${seconds.toPrecision(3)} s per inference keeps one device busy ${Math.round(requestRate * seconds * 100)} % of the time: lower load.requestRate or choose a smaller model`,
      ),
    };
  const marginal = marginalJoules(prediction, idleWatts);
  if (marginal.kind === 'unknown') return marginal;
  if (powerBasis === 'Whole' && idleWatts === undefined) return noIdlePower(prediction.boundary);
  const idle = powerBasis === 'Whole' ? (idleWatts ?? 0) : 0;
  const watts = (joules: number) => idle + requestRate * joules;
  const { estimate, lower, upper } = marginal.joules;
  return { kind: 'power', watts: { estimate: watts(estimate), lower: watts(lower), upper: watts(upper) } };
}

/** Of a transferred prediction what it takes at least; of a network out of domain nothing, as only a measurement can decide. */
function decidingSeconds({ inDomain, transferred, latencySeconds }: Prediction): number | undefined {
  if (!inDomain) return undefined;
  return transferred ? latencySeconds?.lower : latencySeconds?.estimate;
}

/** Marginal joules per inference: active − P_idle · t. Never below zero. */
export function marginalJoules(
  prediction: Prediction,
  idleWatts: number | undefined,
): { kind: 'joules'; joules: Estimate } | { kind: 'unknown'; judgement: Judgement } {
  const active = prediction.joulesPerInference;
  if (prediction.quantity === 'Marginal') return { kind: 'joules', joules: active };
  const seconds = prediction.latencySeconds?.estimate;
  if (idleWatts === undefined || seconds === undefined) return noIdlePower(prediction.boundary);
  const above = (joules: number) => Math.max(0, joules - idleWatts * seconds);
  return { kind: 'joules', joules: { estimate: above(active.estimate), lower: above(active.lower), upper: above(active.upper) } };
}

/** A measured energy with its interval, and what was measured. */
export interface Reading extends Estimate {
  boundary: Boundary;
  quantity: Quantity;
  /** Power source, named in the message. */
  source: string;
}

export type MeasuredReading = Reading | { absent: 'NoPowerSource' | 'BelowResolution'; message?: string };

/** Joules per inference as measured, against the budget. Without a source the verdict is Unknown, never fine. */
export function judgeMeasurement(question: {
  budgetJoules: number;
  boundary: Boundary;
  quantity: Quantity;
  reading: MeasuredReading;
}): Judgement {
  const { budgetJoules, boundary, quantity, reading } = question;
  if ('absent' in reading) return unknown(reading.absent, reading.message ?? absentMessages[reading.absent]);
  if (reading.boundary !== boundary || reading.quantity !== quantity)
    return unknown(
      'BoundaryMismatch',
      `the budget is ${quantity} energy at ${boundary}, ${reading.source} measures ${reading.quantity} at ${reading.boundary}: they are not compared`,
    );
  const budget = formatEnergy(budgetJoules);
  const shown = `${formatEnergy(reading.estimate)} [${formatEnergy(reading.lower)}, ${formatEnergy(reading.upper)}] from ${reading.source}`;
  if (reading.lower > budgetJoules)
    return {
      verdict: 'ExceedsBudget',
      reason: 'BudgetExceededMeasured',
      message: `measured ${shown}: lower bound above the budget ${budget}`,
    };
  if (reading.upper <= budgetJoules)
    return {
      verdict: 'WithinBudget',
      reason: 'WithinBudget',
      message: `measured ${shown}: upper bound within the budget ${budget}`,
    };
  return {
    verdict: 'Uncertain',
    reason: 'BudgetUncertain',
    message: `measured ${shown}: the interval straddles the budget ${budget}`,
  };
}

const absentMessages = {
  NoPowerSource: 'no power source at the boundary of the budget: nothing was measured',
  BelowResolution: 'the energy of one inference is below what the power source can tell apart',
};

type Compared = { kind: 'comparable'; prediction: Prediction } | { kind: 'unknown'; judgement: Judgement };

/** Equal boundary and quantity, or no comparison. */
function compare(boundary: Boundary, prediction: Prediction | undefined): Compared {
  if (!prediction)
    return { kind: 'unknown', judgement: unknown('NoPredictor', `no predictor for this device class at boundary ${boundary}`) };
  const quantity = quantityAt(boundary);
  if (prediction.boundary === boundary && prediction.quantity === quantity) return { kind: 'comparable', prediction };
  const message = `the budget is ${quantity} energy at ${boundary}, ${prediction.predictor} predicts ${prediction.quantity} at ${prediction.boundary}: they are not compared`;
  return { kind: 'unknown', judgement: unknown('BoundaryMismatch', message) };
}

function judgeEstimate(prediction: Prediction, value: Estimate, budget: number, format: (value: number) => string): Judgement {
  const shown = `${format(value.estimate)} [${format(value.lower)}, ${format(value.upper)}] by ${prediction.predictor}`;
  if (!prediction.inDomain)
    return {
      verdict: 'Uncertain',
      reason: 'OutOfDomain',
      message: `predicted ${shown}, but the network is unlike those the predictor was trained on: only a measurement can decide`,
    };
  if (value.lower > budget)
    return {
      verdict: 'ExceedsBudget',
      reason: 'BudgetExceededPredicted',
      message: `predicted ${shown}: lower bound ${format(value.lower)} > budget ${format(budget)}`,
    };
  if (prediction.transferred)
    return {
      verdict: 'Uncertain',
      reason: 'Transferred',
      message: `predicted ${shown}, transferred (${prediction.mismatches.join('; ')}): only a measurement can admit it`,
    };
  if (value.upper <= budget)
    return {
      verdict: 'WithinBudget',
      reason: 'WithinBudget',
      message: `predicted ${shown}: upper bound ${format(value.upper)} ≤ budget ${format(budget)}`,
    };
  return {
    verdict: 'Uncertain',
    reason: 'BudgetUncertain',
    message: `predicted ${shown}: the interval straddles the budget ${format(budget)}`,
  };
}

function noIdlePower(boundary: Boundary): { kind: 'unknown'; judgement: Judgement } {
  return {
    kind: 'unknown',
    judgement: unknown(
      'NoIdlePower',
      `power above idle needs the idle power at ${boundary}, which neither the device nor its class knows`,
    ),
  };
}

function unknown(reason: VerdictReason, message: string): Judgement {
  return { verdict: 'Unknown', reason, message };
}
