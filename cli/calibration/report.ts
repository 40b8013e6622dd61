// What a person sees of a calibration: a line per step, and the result.
import type { CalibrationStep } from '../../agent/calibration/calibration-record.ts';
import type { CalibrationRun, StepReport } from '../../agent/calibration/run-calibration.ts';
import type { PredictorArtifact } from '../../energy/prediction/predictor.ts';
import { formatEnergy, formatMilliseconds } from '../../energy/units.ts';
import { counted } from '../../kube/meta/counted.ts';

/** Lines for the error stream. */
export function describeStep({ next, remaining, remainingSeconds, last, resumed }: StepReport): string[] {
  const lines: string[] = [];
  if (last) lines.push(`  ${describeOutcome(last)}`);
  else if (resumed > 0) lines.push(`going on after ${counted(resumed, 'measurement')}`);
  if (next.kind === 'Measure') {
    const repeated = next.attempt > 1 ? ', again because the anchor moved' : '';
    lines.push(
      `${next.isAnchor ? 'anchor' : 'probe'} ${next.probe}${repeated}; ${remaining} to go, about ${formatMinutes(remainingSeconds)}`,
    );
  }
  return lines;
}

function describeOutcome({ outcome }: CalibrationStep): string {
  if (outcome.kind === 'LeftOut') return `left out, ${outcome.reason}: ${outcome.message}`;
  const error = 100 * Math.sqrt(outcome.joulesLogVariance);
  return `${formatEnergy(outcome.joules)} ± ${error.toFixed(1)} %, ${formatMilliseconds(outcome.seconds)}, ${outcome.windows} windows`;
}

function formatMinutes(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

export interface CalibrationResult {
  predictor: string;
  deviceClass: string;
  boundary: string;
  quantity: string;
  file: string;
  deviceClassFile: string;
  measurementsFile: string;
  simulated: boolean;
  /** Whose proportions between costs stand where the probes say little. */
  source: string;
  probes: number;
  leftOut: { probe: string; reason: string }[];
  anchor: { probe: string; measurements: number; largestDriftPercent: number };
  driftAccepted: string[];
  /** On probes that were left out. */
  meanAbsolutePercent: number;
  medianAbsolutePercent: number;
  /** The same for one number per multiply–add. */
  macsOnlyMeanAbsolutePercent: number | null;
  /** The 90 % interval is estimate ÷ this to estimate × this. */
  halfWidthFactor: number;
  seconds: number;
}

export function resultOf(
  { file, record }: CalibrationRun,
  { name, version, card }: PredictorArtifact,
  made: { predictorFile: string; classFile: string; seconds: number },
): CalibrationResult {
  const { calibration } = card;
  const { meanAbsolutePercent, medianAbsolutePercent } = card.scores.byArchitecture;
  return {
    predictor: `${name}@${version}`,
    deviceClass: card.deviceClass,
    boundary: card.boundary,
    quantity: card.quantity,
    file: made.predictorFile,
    deviceClassFile: made.classFile,
    measurementsFile: file,
    simulated: record.setup.simulated,
    source: calibration?.source ?? '',
    probes: card.rows,
    leftOut: calibration?.leftOut ?? [],
    anchor: calibration?.anchor ?? { probe: record.setup.anchor, measurements: 0, largestDriftPercent: 0 },
    driftAccepted: calibration?.driftAccepted ?? [],
    meanAbsolutePercent,
    medianAbsolutePercent,
    macsOnlyMeanAbsolutePercent: card.baselines[0]?.scores.meanAbsolutePercent ?? null,
    halfWidthFactor: card.coverage.halfWidthFactor,
    seconds: Math.round(made.seconds),
  };
}

export function formatResult(result: CalibrationResult): string {
  const { anchor, leftOut, driftAccepted } = result;
  const rows: [string, string][] = [
    ['predictor', `${result.predictor}${result.simulated ? ' (of a simulated board)' : ''}`],
    ['class', `${result.deviceClass}, ${result.boundary}, ${result.quantity}`],
    ['probes', `${result.probes} measured, ${leftOut.length} left out`],
    ...leftOut.map(({ probe, reason }): [string, string] => ['  left out', `${probe}: ${reason}`]),
    ['anchor', `${anchor.probe}, ${anchor.measurements} times, moved ${anchor.largestDriftPercent.toFixed(1)} % at most`],
    ...(driftAccepted.length === 0 ? [] : [['drift accepted', driftAccepted.join(', ')] satisfies [string, string]]),
    ['proportions from', result.source],
    [
      'error, left out',
      `mean ${result.meanAbsolutePercent.toFixed(1)} %, median ${result.medianAbsolutePercent.toFixed(1)} %${result.macsOnlyMeanAbsolutePercent === null ? '' : `; MACs × constant ${result.macsOnlyMeanAbsolutePercent.toFixed(1)} %`}`,
    ],
    ['90 % interval', `÷ and × ${result.halfWidthFactor.toFixed(2)}`],
    ['took', formatMinutes(result.seconds)],
    ['file', result.file],
    ['DeviceClass', result.deviceClassFile],
    ['next', `jouleops predict MODEL.onnx --predictors ${result.file} --device ${result.deviceClass}`],
  ];
  return rows.map(([name, value]) => `${name.padEnd(18)}${value}\n`).join('');
}
