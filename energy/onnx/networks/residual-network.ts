// Residual networks: basic and bottleneck blocks, grouped convolutions, channel attention, any widths and depths.
import { GraphBuilder } from '../builder.ts';
import { fixedDimension, type Value } from '../graph-file.ts';
import type { Weights } from '../weights.ts';
import { type Activation, activation, classify, convNorm, squeezeExcite } from './blocks.ts';

export interface ResidualNetworkOptions {
  name: string;
  weights: Weights;
  pixels?: number;
  classes?: number;
  /** Two 3×3 convolutions, or 1×1, 3×3, 1×1 with four times the channels at the end. */
  block: 'basic' | 'bottleneck';
  /** Blocks per stage. */
  depths: readonly number[];
  /** Filters of the first stage's 3×3 convolutions; they double from stage to stage. */
  width?: number;
  /** Output channels of the first stage's bottlenecks divided by four; the width when absent. */
  base?: number;
  groups?: number;
  activation?: Activation;
  /** Hidden channels of the channel attention: the output channels divided by this. */
  squeezeReduction?: number;
}

/** Output channels of a bottleneck, per base channel. */
const expansion = 4;

/** Input `input` [1, 3, pixels, pixels], output `logits`, float32. The stride is on the 3×3 convolution. */
export function residualNetwork(options: ResidualNetworkOptions): Uint8Array {
  const { name, weights, pixels = 224, classes = 1000, width = 64, base = width, activation: kind = 'relu' } = options;
  const builder = new GraphBuilder({ name, weights });
  const input = builder.input('input', [1, 3, pixels, pixels]);
  let value = convNorm(builder, input, { filters: base, kernel: 7, stride: 2, activation: kind });
  value = builder.maxPool(value, { kernel: 3, stride: 2, padding: 1 });
  for (const [stage, count] of options.depths.entries()) {
    for (let block = 0; block < count; block += 1) {
      const stride = stage > 0 && block === 0 ? 2 : 1;
      value = appendBlock(builder, value, { ...options, width: width * 2 ** stage, base: base * 2 ** stage }, stride);
    }
  }
  classify(builder, value, classes);
  return builder.build();
}

type BlockOptions = ResidualNetworkOptions & { width: number; base: number };

function appendBlock(builder: GraphBuilder, input: Value, options: BlockOptions, stride: number): Value {
  const { block, width, base, groups = 1, activation: kind = 'relu', squeezeReduction } = options;
  const filters = block === 'basic' ? width : base * expansion;
  let value: Value;
  if (block === 'basic') {
    value = convNorm(builder, input, { filters, kernel: 3, stride, groups, activation: kind });
    value = convNorm(builder, value, { filters, kernel: 3, groups, activation: 'none' });
  } else {
    value = convNorm(builder, input, { filters: width, activation: kind });
    value = convNorm(builder, value, { filters: width, kernel: 3, stride, groups, activation: kind });
    value = convNorm(builder, value, { filters, activation: 'none' });
  }
  if (squeezeReduction !== undefined) value = squeezeExcite(builder, value, filters / squeezeReduction, kind);
  const same = fixedDimension(input, 1) === filters && stride === 1;
  // The shortcut is projected only where its shape changes.
  const shortcut = same ? input : convNorm(builder, input, { filters, stride, activation: 'none' });
  return activation(builder, kind, builder.add(value, shortcut));
}
