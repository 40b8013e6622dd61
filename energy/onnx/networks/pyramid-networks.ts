// Networks whose cost is in moving data: grouped convolutions with channel shuffles, and encoders with decoders.
import { GraphBuilder } from '../builder.ts';
import { fixedDimension, type Value } from '../graph-file.ts';
import type { Weights } from '../weights.ts';
import { channelShuffle, classify, convNorm, upsample } from './blocks.ts';

interface CommonOptions {
  name: string;
  weights: Weights;
  pixels?: number;
}

export interface ShuffleNetworkOptions extends CommonOptions {
  classes?: number;
  groups: number;
  /** Channels per stage, divisible by the groups and by four. */
  features: readonly number[];
  /** Blocks per stage. */
  depths: readonly number[];
}

/** Grouped 1×1 convolutions, a shuffle, a depthwise convolution (after Zhang et al., 2017). Output `logits`. */
export function shuffleNetwork(options: ShuffleNetworkOptions): Uint8Array {
  const { name, weights, pixels = 224, classes = 1000, groups, features, depths } = options;
  const builder = new GraphBuilder({ name, weights });
  const input = builder.input('input', [1, 3, pixels, pixels]);
  let value = convNorm(builder, input, { filters: 24, kernel: 3, stride: 2 });
  value = builder.maxPool(value, { kernel: 3, stride: 2, padding: 1 });
  for (const [stage, count] of depths.entries()) {
    const filters = features[stage] ?? 24;
    value = convNorm(builder, value, { filters, kernel: 3, stride: 2 });
    for (let block = 0; block < count; block += 1) {
      const inner = filters / 4;
      const reduced = channelShuffle(builder, convNorm(builder, value, { filters: inner, groups }), groups);
      const spatial = convNorm(builder, reduced, { filters: inner, kernel: 3, groups: inner, activation: 'none' });
      const restored = convNorm(builder, spatial, { filters, groups, activation: 'none' });
      value = builder.relu(builder.add(value, restored));
    }
  }
  classify(builder, value, classes);
  return builder.build();
}

export interface EncoderDecoderOptions extends CommonOptions {
  /** Channels at full resolution; they double at each of the levels below. */
  width: number;
  levels: number;
}

/** Two 3×3 convolutions per level, down by pooling, up by enlargement and concatenation (after Ronneberger et al., 2015). Output `mask`. */
export function encoderDecoder({ name, weights, pixels = 128, width, levels }: EncoderDecoderOptions): Uint8Array {
  const builder = new GraphBuilder({ name, weights });
  let value = builder.input('input', [1, 3, pixels, pixels]);
  const double = (input: Value, filters: number) =>
    convNorm(builder, convNorm(builder, input, { filters, kernel: 3 }), { filters, kernel: 3 });
  const skipped: Value[] = [];
  for (let level = 0; level < levels; level += 1) {
    value = double(value, width * 2 ** level);
    skipped.push(value);
    value = builder.maxPool(value, { kernel: 2, stride: 2 });
  }
  value = double(value, width * 2 ** levels);
  for (const skip of skipped.toReversed())
    value = double(builder.concat([upsample(builder, value, 2), skip]), fixedDimension(skip, 1));
  builder.output('mask', builder.unary('Sigmoid', builder.conv(value, { filters: 1, kernel: 1 })));
  return builder.build();
}
