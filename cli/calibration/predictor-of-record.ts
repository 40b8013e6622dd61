// From what a calibration measured to the predictor's artifact.
import type { CalibrationRecord, ProbeOutcome } from '../../agent/calibration/calibration-record.ts';
import type { CalibrationRun } from '../../agent/calibration/run-calibration.ts';
import { boardPredictor, leastProbes, type MeasuredProbe } from '../../energy/calibration/board-predictor.ts';
import { extractorVersion } from '../../energy/graph/extract/protocol.ts';
import type { Predictor, PredictorArtifact } from '../../energy/prediction/predictor.ts';
import { quantityAt } from '../../energy/prediction/verdict.ts';

type Measured = Extract<ProbeOutcome, { kind: 'Measured' }>;

/** Undefined when too few probes could be measured. */
export function predictorOf(
  { record, progress }: Pick<CalibrationRun, 'record' | 'progress'>,
  data: { file: string; sha256: string },
  sources: readonly Predictor[],
): PredictorArtifact | undefined {
  const { setup } = record;
  const counted = progress.accepted.flatMap((index) => record.steps[index] ?? []);
  const outcomes = Map.groupBy(counted, ({ probe }) => probe);
  const probes = [...outcomes].flatMap(([name, steps]) => {
    const measured = steps.flatMap(({ outcome }) => (outcome.kind === 'Measured' ? [outcome] : []));
    const features = record.features[name];
    return measured.length === 0 || !features ? [] : [pooled(name, measured, features)];
  });
  if (probes.length < leastProbes) return undefined;
  const anchors = counted.filter(({ probe }) => probe === setup.anchor).length;
  const largest = Math.max(0, ...progress.drifts.map((drift) => Math.abs(100 * (Math.exp(drift) - 1))));
  return boardPredictor(sources, probes, {
    deviceClass: setup.deviceClass,
    key: { ...setup.key, precision: 'fp32' },
    boundary: setup.boundary,
    quantity: quantityAt(setup.boundary),
    data,
    date: record.startTime.slice(0, 10),
    version: 1,
    extractorVersion,
    probes: {
      meter: setup.source,
      simulated: setup.simulated,
      leftOut: [...outcomes.values()].flatMap((steps) => leftOut(steps)),
      anchor: { probe: setup.anchor, measurements: anchors, largestDriftPercent: Number(largest.toFixed(2)) },
      driftAccepted: progress.driftAccepted,
    },
  });
}

/** Repeats of one probe as one measurement: mean of the logarithms, each by its precision alike. */
function pooled(name: string, measured: readonly Measured[], features: MeasuredProbe['features']): MeasuredProbe {
  const count = measured.length;
  const mean = (value: (one: Measured) => number) => measured.reduce((sum, one) => sum + value(one), 0) / count;
  return {
    name,
    features,
    joules: Math.exp(mean(({ joules }) => Math.log(joules))),
    joulesLogVariance: mean(({ joulesLogVariance }) => joulesLogVariance) / count,
    seconds: Math.exp(mean(({ seconds }) => Math.log(seconds))),
    secondsLogVariance: mean(({ secondsLogVariance }) => secondsLogVariance) / count,
  };
}

function leftOut(steps: CalibrationRecord['steps']): { probe: string; reason: string }[] {
  if (steps.some(({ outcome }) => outcome.kind === 'Measured')) return [];
  return steps
    .flatMap(({ probe, outcome }) => (outcome.kind === 'LeftOut' ? [{ probe, reason: outcome.reason }] : []))
    .slice(0, 1);
}
