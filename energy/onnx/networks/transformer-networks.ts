// Networks of matrix products: vision transformers (Dosovitskiy et al., 2020) and ConvNeXt (Liu et al., 2022).
import { GraphBuilder } from '../builder.ts';
import { fixedDimension, type Value } from '../graph-file.ts';
import type { Weights } from '../weights.ts';
import { attention, channelsFirst, channelsLast, layerNorm, perceptron } from './blocks.ts';

interface CommonOptions {
  name: string;
  weights: Weights;
  pixels?: number;
  classes?: number;
}

/** Inner features of a perceptron, per feature. */
const expansion = 4;

export interface VisionTransformerOptions extends CommonOptions {
  patch: number;
  features: number;
  depth: number;
  heads: number;
}

/** With a class token and learned positions. Input `input` [1, 3, pixels, pixels], output `logits`, float32. */
export function visionTransformer(options: VisionTransformerOptions): Uint8Array {
  const { name, weights, pixels = 224, classes = 1000, patch, features, depth, heads } = options;
  const builder = new GraphBuilder({ name, weights });
  const input = builder.input('input', [1, 3, pixels, pixels]);
  const patches = builder.conv(input, { filters: features, kernel: patch, stride: patch, padding: 0 });
  const count = (pixels / patch) ** 2;
  const sequence = builder.transpose(builder.reshape(patches, [1, features, count]), [0, 2, 1]);
  let tokens = builder.concat([builder.weight('class_token', [1, 1, features], -0.1, 0.1), sequence]);
  tokens = builder.add(tokens, builder.weight('positions', [1, count + 1, features], -0.1, 0.1));
  for (let block = 0; block < depth; block += 1) {
    tokens = builder.add(tokens, attention(builder, layerNorm(builder, tokens), heads));
    tokens = builder.add(tokens, perceptron(builder, layerNorm(builder, tokens), expansion * features));
  }
  const first = builder.node('Gather', [layerNorm(builder, tokens), builder.integers('first', [0])], [1, 1, features], {
    axis: 1,
  });
  builder.output('logits', builder.gemm(builder.reshape(first, [1, features]), classes));
  return builder.build();
}

export interface ConvNextOptions extends CommonOptions {
  /** Features per stage. */
  features: readonly number[];
  /** Blocks per stage. */
  depths: readonly number[];
  /** Of the depthwise convolutions. */
  kernel?: number;
}

/** Input `input` [1, 3, pixels, pixels], output `logits`, float32. */
export function convNext(options: ConvNextOptions): Uint8Array {
  const { name, weights, pixels = 224, classes = 1000, features, depths, kernel = 7 } = options;
  const builder = new GraphBuilder({ name, weights });
  const input = builder.input('input', [1, 3, pixels, pixels]);
  const [stem = 1] = features;
  let value = spatialNorm(builder, builder.conv(input, { filters: stem, kernel: 4, stride: 4, padding: 0 }));
  for (const [stage, count] of depths.entries()) {
    const filters = features[stage] ?? stem;
    if (stage > 0) value = builder.conv(spatialNorm(builder, value), { filters, kernel: 2, stride: 2, padding: 0 });
    for (let block = 0; block < count; block += 1) value = appendConvNextBlock(builder, value, kernel);
  }
  const pooled = builder.reshape(builder.globalAveragePool(value), [1, fixedDimension(value, 1)]);
  builder.output('logits', builder.gemm(layerNorm(builder, pooled), classes));
  return builder.build();
}

function appendConvNextBlock(builder: GraphBuilder, input: Value, kernel: number): Value {
  const filters = fixedDimension(input, 1);
  const mixed = channelsLast(builder, builder.conv(input, { filters, kernel, groups: filters }));
  const processed = perceptron(builder, layerNorm(builder, mixed), expansion * filters);
  const scaled = builder.binary('Mul', processed, builder.weight('layer_scale', [filters], 0.9, 1.1));
  return builder.add(input, channelsFirst(builder, scaled));
}

/** Layer norm over the channels of an image. */
function spatialNorm(builder: GraphBuilder, value: Value): Value {
  return channelsFirst(builder, layerNorm(builder, channelsLast(builder, value)));
}
