// Building blocks that real networks share.
import type { GraphBuilder } from '../builder.ts';
import { fixedDimension, type Value } from '../graph-file.ts';

export type Activation = 'relu' | 'relu6' | 'silu' | 'hard-swish' | 'gelu' | 'none';

export function activation(builder: GraphBuilder, kind: Activation, value: Value): Value {
  switch (kind) {
    case 'none':
      return value;
    case 'relu':
      return builder.relu(value);
    case 'relu6':
      return builder.node('Clip', [value, builder.floats('low', [], [0]), builder.floats('high', [], [6])], value.shape);
    case 'silu':
      return builder.binary('Mul', value, builder.unary('Sigmoid', value));
    case 'hard-swish':
      // Not HardSwish: runtimes inline it into nodes without names, which profiles then leave out.
      return builder.binary('Mul', value, builder.unary('HardSigmoid', value, { alpha: { float: 1 / 6 }, beta: { float: 0.5 } }));
    case 'gelu': {
      const erf = builder.unary('Erf', builder.binary('Div', value, builder.floats('sqrt_two', [], [Math.SQRT2])));
      const sum = builder.add(erf, builder.floats('one', [], [1]));
      return builder.binary('Mul', builder.binary('Mul', value, sum), builder.floats('half', [], [0.5]));
    }
  }
}

export interface ConvNormOptions {
  filters: number;
  kernel?: number;
  stride?: number;
  groups?: number;
  activation?: Activation;
}

/** Convolution, batch norm, activation: one fused operator at run time. */
export function convNorm(builder: GraphBuilder, value: Value, options: ConvNormOptions): Value {
  const { filters, kernel = 1, stride = 1, groups = 1 } = options;
  const convolved = builder.conv(value, { filters, kernel, stride, groups, bias: false });
  return activation(builder, options.activation ?? 'relu', builder.batchNorm(convolved));
}

/** Channel attention (Hu et al., 2017): scales each channel by what two small products make of its mean. */
export function squeezeExcite(builder: GraphBuilder, value: Value, hidden: number, kind: Activation): Value {
  const squeezed = builder.conv(builder.globalAveragePool(value), { filters: hidden, kernel: 1 });
  const excited = builder.conv(activation(builder, kind, squeezed), { filters: fixedDimension(value, 1), kernel: 1 });
  return builder.binary('Mul', value, builder.unary('Sigmoid', excited));
}

/** Over the last dimension. */
export function layerNorm(builder: GraphBuilder, value: Value): Value {
  const features = [fixedDimension(value, -1)];
  const scale = builder.weight('scale', features, 0.8, 1.2);
  const shift = builder.weight('shift', features, -0.1, 0.1);
  return builder.node('LayerNormalization', [value, scale, shift], value.shape, { axis: -1, epsilon: { float: 1e-6 } });
}

/** A product over the last dimension, with bias. */
function linear(builder: GraphBuilder, value: Value, units: number): Value {
  return builder.add(builder.linear(value, units), builder.weight('bias', [units], -0.1, 0.1));
}

/** Two products with GELU between, `hidden` wide. */
export function perceptron(builder: GraphBuilder, value: Value, hidden: number): Value {
  const expanded = activation(builder, 'gelu', linear(builder, value, hidden));
  return linear(builder, expanded, fixedDimension(value, -1));
}

/** Multi-head self-attention over tokens [1, tokens, features]. */
export function attention(builder: GraphBuilder, value: Value, heads: number): Value {
  const tokens = fixedDimension(value, 1);
  const features = fixedDimension(value, 2);
  const perHead = features / heads;
  if (!Number.isInteger(perHead)) throw new Error(`${features} features cannot be split into ${heads} heads`);
  const split = (name: 'query' | 'key' | 'value') => {
    const projected = builder.reshape(linear(builder, value, features), [1, tokens, heads, perHead]);
    // Keys are transposed at once, so that the product needs no further copy.
    return builder.transpose(projected, name === 'key' ? [0, 2, 3, 1] : [0, 2, 1, 3]);
  };
  const scale = builder.floats('scale', [], [1 / Math.sqrt(perHead)]);
  const scores = builder.matmul(builder.binary('Mul', split('query'), scale), split('key'));
  const mixed = builder.matmul(builder.softmax(scores), split('value'));
  const joined = builder.reshape(builder.transpose(mixed, [0, 2, 1, 3]), [1, tokens, features]);
  return linear(builder, joined, features);
}

/** Channels to the end, or back. */
export function channelsLast(builder: GraphBuilder, value: Value): Value {
  return builder.transpose(value, [0, 2, 3, 1]);
}

export function channelsFirst(builder: GraphBuilder, value: Value): Value {
  return builder.transpose(value, [0, 3, 1, 2]);
}

/** Nearest-neighbour enlargement of height and width. */
export function upsample(builder: GraphBuilder, value: Value, factor: number): Value {
  const shape = value.shape.map((size, axis) => (axis >= 2 ? fixedDimension(value, axis) * factor : size));
  const empty: Value = { name: '', shape: [] };
  const scales = builder.floats('scales', [4], [1, 1, factor, factor]);
  return builder.node('Resize', [value, empty, scales], shape, {
    mode: 'nearest',
    nearest_mode: 'floor',
    coordinate_transformation_mode: 'asymmetric',
  });
}

/** Mixes the groups of a grouped convolution (Zhang et al., 2017). */
export function channelShuffle(builder: GraphBuilder, value: Value, groups: number): Value {
  const [channels, height, width] = [fixedDimension(value, 1), fixedDimension(value, 2), fixedDimension(value, 3)];
  const grouped = builder.reshape(value, [1, groups, channels / groups, height, width]);
  return builder.reshape(builder.transpose(grouped, [0, 2, 1, 3, 4]), [1, channels, height, width]);
}

/** Global average pool and a classifier, to the output `logits`. */
export function classify(builder: GraphBuilder, value: Value, classes: number): void {
  builder.output('logits', builder.gemm(builder.flatten(builder.globalAveragePool(value)), classes));
}
