// Networks of milliseconds in place of the probes.
import type { GraphFeatures } from '../../../energy/graph/analysis.ts';
import { nasBench201 } from '../../../energy/onnx/networks/nas-bench-201.ts';
import type { ProbeCandidate } from '../../../energy/onnx/networks/probe-candidates.ts';
import { cellFeatures } from '../../../energy/prediction/training/cell-rows.ts';

const cells = [
  '|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|',
  '|nor_conv_1x1~0|+|nor_conv_1x1~0|nor_conv_1x1~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_1x1~2|',
  '|avg_pool_3x3~0|+|avg_pool_3x3~0|nor_conv_3x3~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_3x3~2|',
  '|skip_connect~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_1x1~2|',
  '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|',
];

export const anchorName = 'cell-0-16';

export const smallProbes: readonly (ProbeCandidate & { features: () => GraphFeatures })[] = [16, 32].flatMap((pixels) =>
  cells.map((cell, index) => ({
    name: `cell-${index}-${pixels}`,
    write: () => nasBench201(cell, { inputShape: [3, pixels, pixels], classes: 10, seed: 1 }),
    features: () => cellFeatures(cell, `3x${pixels}x${pixels}`, 'cifar10'),
  })),
);
