// What a person sees of a prediction: a row per predictor, what to be careful about, and where the energy goes.
import type { GraphAnalysis } from '../../energy/graph/analysis.ts';
import type { PredictionReport } from '../../energy/prediction/catalogue.ts';
import { explain, explainLayers, type Predictor } from '../../energy/prediction/predictor.ts';
import { formatEnergy, formatMilliseconds } from '../../energy/units.ts';
import { formatTable } from '../output/table.ts';

export function formatReports(reports: readonly PredictionReport[]): string {
  return formatTable(
    [
      { title: 'DEVICE CLASS', value: (row) => row.deviceClass },
      { title: 'BOUNDARY', value: (row) => row.boundary },
      { title: 'QUANTITY', value: (row) => row.quantity },
      { title: 'ENERGY/INFERENCE', value: (row) => formatEnergy(row.joulesPerInference.estimate), align: 'right' },
      { title: 'INTERVAL', value: formatInterval },
      {
        title: 'LATENCY',
        value: (row) => (row.latencySeconds === null ? '-' : formatMilliseconds(row.latencySeconds)),
        align: 'right',
      },
      { title: 'CATEGORY', value: (row) => row.category ?? '-' },
      { title: 'IN DOMAIN', value: (row) => (row.inDomain ? 'yes' : 'no') },
      { title: 'TRANSFERRED', value: (row) => (row.transferred ? 'yes' : 'no') },
      { title: 'PREDICTOR', value: (row) => row.predictor },
    ],
    reports,
  );
}

function formatInterval({ joulesPerInference }: PredictionReport): string {
  const { lower, upper, confidencePercent } = joulesPerInference;
  return `[${formatEnergy(lower)}, ${formatEnergy(upper)}] ${confidencePercent} %`;
}

export const readWithoutRunning =
  'too large to run, so read without running: what a runtime fuses is counted apart, so the estimate may be twice too high';

export function caveats(report: PredictionReport): string {
  const { inDomain, mismatches, unknownParts, scaleAssumed, path, error } = report;
  const notes = [
    ...(inDomain ? [] : ['the network is unlike those the predictor was trained on: only a measurement can decide']),
    ...mismatches.map((mismatch) => `transferred, ${mismatch}`),
    ...(path === 'static' ? [readWithoutRunning] : []),
    ...(scaleAssumed ? ['the absolute scale is assumed: ratios between networks hold, the level may be off'] : []),
    ...(error ? [errorText(error, inDomain)] : []),
    ...(unknownParts.length === 0 ? [] : [`not known, so taken to match: ${unknownParts.join(', ')}`]),
  ];
  return notes.map((note) => `  ${report.predictor}: ${note}\n`).join('');
}

function errorText(
  { meanAbsolutePercent, medianAbsolutePercent }: NonNullable<PredictionReport['error']>,
  inDomain: boolean,
): string {
  const networks = inDomain ? 'networks' : 'kinds of networks';
  return `its error on ${networks} held out of training: mean ${meanAbsolutePercent.toFixed(1)} %, median ${medianAbsolutePercent.toFixed(1)} %`;
}

const shownLayers = 10;

export function formatExplanation(predictor: Predictor, report: PredictionReport, { layers = [] }: GraphAnalysis): string {
  const table = formatTable(
    [
      { title: 'OPERATORS', value: (row) => row.part },
      { title: 'ENERGY', value: (row) => formatEnergy(row.joules), align: 'right' },
      { title: 'SHARE', value: (row) => `${row.percent.toFixed(1)} %`, align: 'right' },
    ],
    explain(predictor, report.features),
  );
  const costliest = explainLayers(predictor, report.features, layers)
    .sort((left, right) => right.joules - left.joules)
    .slice(0, shownLayers);
  const layerTable = formatTable(
    [
      { title: `COSTLIEST OF ${layers.length} NODES`, value: (row) => row.name.slice(0, 60) || row.operator },
      { title: 'OPERATOR', value: (row) => row.operator },
      { title: 'CLASS', value: (row) => row.nodeClass },
      { title: 'ENERGY', value: (row) => formatEnergy(row.joules), align: 'right' },
      { title: 'SHARE', value: (row) => `${row.percent.toFixed(1)} %`, align: 'right' },
    ],
    costliest,
  );
  const assumptions = report.assumptions.map((assumption) => `  assumed: ${assumption}\n`).join('');
  return `\n${report.predictor}: how the prediction is shared out (no operator was measured)\n${table}\n\n${layerTable}\n${assumptions}`;
}
