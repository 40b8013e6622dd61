// Networks of inverted residual blocks (Sandler et al., 2018): MobileNet V2, EfficientNet and their relatives.
import { GraphBuilder } from '../builder.ts';
import { fixedDimension, type Value } from '../graph-file.ts';
import type { Weights } from '../weights.ts';
import { type Activation, classify, convNorm, squeezeExcite } from './blocks.ts';

export interface MobileStage {
  /** Channels inside a block, per input channel. */
  expansion: number;
  filters: number;
  blocks: number;
  stride: number;
  kernel: number;
}

export interface MobileNetworkOptions {
  name: string;
  weights: Weights;
  pixels?: number;
  classes?: number;
  stem: number;
  stages: readonly MobileStage[];
  head: number;
  activation: Activation;
  /** Hidden channels of the channel attention: the block's input channels divided by this. */
  squeezeReduction?: number;
}

/** Input `input` [1, 3, pixels, pixels], output `logits`, float32. */
export function mobileNetwork(options: MobileNetworkOptions): Uint8Array {
  const { name, weights, pixels = 224, classes = 1000, activation } = options;
  const builder = new GraphBuilder({ name, weights });
  const input = builder.input('input', [1, 3, pixels, pixels]);
  let value = convNorm(builder, input, { filters: options.stem, kernel: 3, stride: 2, activation });
  for (const stage of options.stages)
    for (let block = 0; block < stage.blocks; block += 1)
      value = appendBlock(builder, value, options, stage, block === 0 ? stage.stride : 1);
  classify(builder, convNorm(builder, value, { filters: options.head, activation }), classes);
  return builder.build();
}

function appendBlock(
  builder: GraphBuilder,
  input: Value,
  { activation, squeezeReduction }: MobileNetworkOptions,
  { expansion, filters, kernel }: MobileStage,
  stride: number,
): Value {
  const channels = fixedDimension(input, 1);
  const inner = channels * expansion;
  let value = expansion === 1 ? input : convNorm(builder, input, { filters: inner, activation });
  value = convNorm(builder, value, { filters: inner, kernel, stride, groups: inner, activation });
  if (squeezeReduction !== undefined) value = squeezeExcite(builder, value, channels / squeezeReduction, activation);
  value = convNorm(builder, value, { filters, activation: 'none' });
  return stride === 1 && channels === filters ? builder.add(value, input) : value;
}
