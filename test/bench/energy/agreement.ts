// What the graph reader finds in a network against what the table of features says of it.
import { type GraphFeatures, nodeClasses } from '../../../energy/graph/analysis.ts';
import { quantile } from '../../../energy/prediction/training/scores.ts';

export type Comparison =
  | { kind: 'compared'; architecture: string; pixels: number; ratios: Ratios; classes: Record<string, [number, number]> }
  | { kind: 'not exported' | 'not read'; architecture: string; pixels: number; reason: string };

const compared = ['parameters', 'macs', 'bytes', 'nodes', 'macOutputs'] as const;
/** Ours ÷ the table's. */
type Ratios = Record<(typeof compared)[number], number>;

/** Further apart than this in any sum is an exception that has to be explained. */
export const tolerance = 0.01;

export function compare(architecture: string, pixels: number, ours: GraphFeatures, table: GraphFeatures): Comparison {
  const ratios = Object.fromEntries(compared.map((name) => [name, round(ours[name] / Math.max(1, table[name]))])) as Ratios;
  const classes: Record<string, [number, number]> = {};
  for (const name of nodeClasses) {
    const [mine, theirs] = [ours.classes[name], table.classes[name]];
    for (const key of ['nodes', 'macs', 'bytes'] as const)
      if (Math.abs(mine[key] - theirs[key]) > tolerance * Math.max(theirs[key], 1))
        classes[`${name}.${key}`] = [mine[key], theirs[key]];
  }
  return { kind: 'compared', architecture, pixels, ratios, classes };
}

export function summarize(comparisons: readonly Comparison[]) {
  const read = comparisons.filter((one) => one.kind === 'compared');
  const spread = Object.fromEntries(
    compared.map((name) => {
      const sorted = read.map(({ ratios }) => ratios[name]).sort((a, b) => a - b);
      const within = sorted.filter((ratio) => Math.abs(ratio - 1) <= tolerance).length;
      const at = (share: number) => round(quantile(sorted, share));
      return [name, { withinOnePercent: within, minimum: at(0), p5: at(0.05), median: at(0.5), p95: at(0.95), maximum: at(1) }];
    }),
  );
  return {
    architectures: comparisons.length,
    compared: read.length,
    ratios: spread,
    exceptions: read
      .filter(({ ratios }) => compared.some((name) => Math.abs(ratios[name] - 1) > tolerance))
      .map(({ architecture, pixels, ratios, classes }) => ({ architecture, pixels, ratios, classes })),
    refused: comparisons.filter((one) => one.kind !== 'compared'),
  };
}

function round(value: number): number {
  return Number(value.toPrecision(5));
}
