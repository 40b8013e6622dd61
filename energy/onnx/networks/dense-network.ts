// Densely connected networks (Huang et al., 2016): every layer reads all earlier ones of its stage, so copies dominate.
import { GraphBuilder } from '../builder.ts';
import { fixedDimension, type Value } from '../graph-file.ts';
import type { Weights } from '../weights.ts';
import { classify } from './blocks.ts';

export interface DenseNetworkOptions {
  name: string;
  weights: Weights;
  pixels?: number;
  classes?: number;
  /** Channels that each layer adds. */
  growth: number;
  /** Layers per stage. */
  depths: readonly number[];
}

/** Channels of the 1×1 convolution in each layer, per channel of growth. */
const bottleneck = 4;

/** Input `input` [1, 3, pixels, pixels], output `logits`, float32. */
export function denseNetwork({ name, weights, pixels = 224, classes = 1000, growth, depths }: DenseNetworkOptions): Uint8Array {
  const builder = new GraphBuilder({ name, weights });
  const input = builder.input('input', [1, 3, pixels, pixels]);
  let value = builder.conv(input, { filters: 2 * growth, kernel: 7, stride: 2, bias: false });
  value = builder.maxPool(builder.relu(builder.batchNorm(value)), { kernel: 3, stride: 2, padding: 1 });
  for (const [stage, layers] of depths.entries()) {
    if (stage > 0) {
      const halved = normConv(builder, value, Math.floor(fixedDimension(value, 1) / 2), 1);
      value = builder.averagePool(halved, { kernel: 2, stride: 2 });
    }
    for (let layer = 0; layer < layers; layer += 1) {
      const added = normConv(builder, normConv(builder, value, bottleneck * growth, 1), growth, 3);
      value = builder.concat([value, added]);
    }
  }
  classify(builder, builder.relu(builder.batchNorm(value)), classes);
  return builder.build();
}

function normConv(builder: GraphBuilder, value: Value, filters: number, kernel: number): Value {
  return builder.conv(builder.relu(builder.batchNorm(value)), { filters, kernel, bias: false });
}
