// What a person sees of a recommendation: the ranking, why each is where it is, and what could not be read.
import { formatEnergy, formatMilliseconds } from '../../energy/units.ts';
import { formatTable } from '../output/table.ts';
import type { Recommended } from './recommended.ts';

export function formatRecommendations(
  rows: readonly Recommended[],
  refused: readonly { file: string; reason: string; message: string }[],
  confidencePercent: number,
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
        value: ({ prediction: { latencySeconds } }) => (latencySeconds ? formatMilliseconds(latencySeconds.estimate) : '-'),
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
