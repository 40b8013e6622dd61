// Writes networks layer by layer: every value knows its shape, so weights and classifiers size themselves.
import { fixedDimension, GraphFile, type Value } from './graph-file.ts';
import { type AttributeValue, type Dimension, floatTensor } from './nodes.ts';
import { type Padding, paddingOf, windowedSize } from './shapes.ts';
import { elementCount, type TensorTypeName } from './tensor-types.ts';
import { createGenerator, heLimit, uniformFloats, type Weights } from './weights.ts';

export interface ConvOptions {
  filters: number;
  /** One number for all spatial dimensions, or one each. */
  kernel: number | number[];
  stride?: number;
  padding?: Padding;
  dilation?: number;
  groups?: number;
  bias?: boolean;
}

export interface PoolOptions {
  kernel: number;
  stride?: number;
  padding?: Padding;
  countIncludePad?: boolean;
}

export interface GraphBuilderOptions {
  name: string;
  weights?: Weights;
  /** Of the standard operators. 17 is read by every runtime since ONNX Runtime 1.12. */
  opset?: number;
}

const defaultOpset = 17;

export class GraphBuilder {
  readonly #options: Required<GraphBuilderOptions>;
  readonly #next: () => number;
  readonly #file = new GraphFile();
  readonly #factors = new Map<number, Value>();

  constructor(options: GraphBuilderOptions) {
    this.#options = { weights: { kind: 'random', seed: 0 }, opset: defaultOpset, ...options };
    this.#next = createGenerator(this.#options.weights.seed);
  }

  /** A dimension given as a string is dynamic under that name. */
  input(name: string, shape: readonly Dimension[], elementType: TensorTypeName = 'float32'): Value {
    return this.#file.input(name, shape, elementType);
  }

  /** Ends the graph in `value` under the name that clients see. */
  output(name: string, value: Value, elementType: TensorTypeName = 'float32'): void {
    this.#file.output(name, value, elementType);
  }

  /** Any operator with one output, for what has no method of its own. */
  node(
    opType: string,
    inputs: readonly Value[],
    shape: readonly Dimension[],
    attributes: Record<string, AttributeValue> = {},
  ): Value {
    return this.#file.node(opType, inputs, shape, attributes);
  }

  /** Numbers known now, written into the file. */
  floats(hint: string, shape: number[], values: ArrayLike<number>): Value {
    return this.#file.floats(hint, shape, values);
  }

  integers(hint: string, values: number[]): Value {
    return this.#file.integers(hint, values);
  }

  /** Weights drawn from [low, high), or one number just above their mean as a ConstantOfShape node when the builder's weights say so. */
  weight(hint: string, shape: number[], low: number, high: number): Value {
    const { weights } = this.#options;
    const count = elementCount(shape);
    if (weights.kind === 'random' || count < weights.minimumElements)
      return this.floats(hint, shape, uniformFloats(this.#next, count, low, high));
    // Above zero, or nothing would flow; small, so that hundreds of layers do not overflow; never twice the same, or a runtime shares
    // the tensors of equal layers and the network touches less memory than it should.
    return this.constantOfShape(hint, shape, (low + high) / 2 + ((high - low) / 200) * (0.5 + this.#next()));
  }

  constantOfShape(hint: string, shape: number[], value: number): Value {
    const dims = this.integers(`${hint}_shape`, shape);
    return this.node('ConstantOfShape', [dims], shape, { value: floatTensor('', [1], [value]) });
  }

  conv(value: Value, options: ConvOptions): Value {
    const channels = fixedDimension(value, 1);
    const spatial = value.shape.length - 2;
    const { filters, stride = 1, dilation = 1, groups = 1, bias = true } = options;
    const kernel = typeof options.kernel === 'number' ? Array<number>(spatial).fill(options.kernel) : options.kernel;
    const pads = kernel.map((size) => paddingOf(options.padding ?? 'same', size, dilation));
    const fanIn = (channels / groups) * elementCount(kernel);
    if (!Number.isInteger(channels / groups) || !Number.isInteger(filters / groups))
      throw new Error(`${channels} channels and ${filters} filters cannot be split into ${groups} groups`);
    const limit = heLimit(fanIn);
    const inputs = [value, this.weight('weight', [filters, channels / groups, ...kernel], -limit, limit)];
    if (bias) inputs.push(this.weight('bias', [filters], -0.1, 0.1));
    const size = kernel.map((extent, axis) =>
      windowedSize(fixedDimension(value, axis + 2), extent, stride, pads[axis] ?? 0, dilation),
    );
    return this.node('Conv', inputs, [value.shape[0] ?? 1, filters, ...size], {
      kernel_shape: kernel,
      strides: kernel.map(() => stride),
      pads: [...pads, ...pads],
      dilations: kernel.map(() => dilation),
      group: groups,
    });
  }

  batchNorm(value: Value): Value {
    const channels = [fixedDimension(value, 1)];
    const scale = this.weight('scale', channels, 0.8, 1.2);
    const shift = this.weight('shift', channels, -0.1, 0.1);
    const mean = this.weight('mean', channels, -0.1, 0.1);
    const variance = this.weight('variance', channels, 0.8, 1.2);
    return this.node('BatchNormalization', [value, scale, shift, mean, variance], value.shape, { epsilon: { float: 1e-5 } });
  }

  /** Relu, Sigmoid, Tanh, HardSwish, Erf … : one input, same shape. */
  unary(opType: string, value: Value, attributes: Record<string, AttributeValue> = {}): Value {
    return this.node(opType, [value], value.shape, attributes);
  }

  relu(value: Value): Value {
    return this.unary('Relu', value);
  }

  softmax(value: Value, axis = -1): Value {
    return this.unary('Softmax', value, { axis });
  }

  /** Two values of one shape, or one that broadcasts into the first. */
  binary(opType: 'Add' | 'Sub' | 'Mul' | 'Div', left: Value, right: Value): Value {
    return this.node(opType, [left, right], left.shape);
  }

  add(left: Value, right: Value): Value {
    return this.binary('Add', left, right);
  }

  /** Times one number, which is written into the file once. */
  scaled(value: Value, factor: number): Value {
    const known = this.#factors.get(factor) ?? this.floats('factor', [1], [factor]);
    this.#factors.set(factor, known);
    return this.binary('Mul', value, known);
  }

  concat(values: readonly Value[], axis = 1): Value {
    const first = values[0];
    if (first === undefined) throw new Error('concat needs at least one value');
    const total = values.reduce((sum, value) => sum + fixedDimension(value, axis), 0);
    const shape = first.shape.map((size, index) => (index === axis ? total : size));
    return this.node('Concat', values, shape, { axis });
  }

  maxPool(value: Value, options: PoolOptions): Value {
    return this.#pool('MaxPool', value, options, {});
  }

  averagePool(value: Value, options: PoolOptions): Value {
    return this.#pool('AveragePool', value, options, { count_include_pad: options.countIncludePad ? 1 : 0 });
  }

  globalAveragePool(value: Value): Value {
    return this.node('GlobalAveragePool', [value], [...value.shape.slice(0, 2), ...value.shape.slice(2).map(() => 1)]);
  }

  flatten(value: Value): Value {
    const features = value.shape.slice(1).reduce<number>((product, _, index) => product * fixedDimension(value, index + 1), 1);
    return this.node('Flatten', [value], [value.shape[0] ?? 1, features], { axis: 1 });
  }

  /** A product with constant weights and a bias: [batch, in] to [batch, units]. */
  gemm(value: Value, units: number): Value {
    const features = fixedDimension(value, 1);
    const limit = heLimit(features);
    const weight = this.weight('weight', [units, features], -limit, limit);
    const bias = this.weight('bias', [units], -0.1, 0.1);
    return this.node('Gemm', [value, weight, bias], [value.shape[0] ?? 1, units], { transB: 1 });
  }

  /** The last dimension times a constant matrix. */
  linear(value: Value, units: number): Value {
    const features = fixedDimension(value, -1);
    const limit = heLimit(features);
    return this.matmul(value, this.weight('weight', [features, units], -limit, limit));
  }

  /** A product of two values over the last two dimensions. */
  matmul(left: Value, right: Value): Value {
    return this.node('MatMul', [left, right], [...left.shape.slice(0, -1), fixedDimension(right, -1)]);
  }

  /** -1 is not accepted: shapes stay known. */
  reshape(value: Value, shape: number[]): Value {
    return this.node('Reshape', [value, this.integers('shape', shape)], shape);
  }

  transpose(value: Value, permutation: number[]): Value {
    const shape = permutation.map((axis) => value.shape[axis] ?? 1);
    return this.node('Transpose', [value], shape, { perm: permutation });
  }

  build(): Uint8Array {
    return this.#file.write(this.#options.name, this.#options.opset);
  }

  #pool(opType: string, value: Value, options: PoolOptions, attributes: Record<string, AttributeValue>): Value {
    const { kernel, stride = 1, padding = 0 } = options;
    const pad = paddingOf(padding, kernel, 1);
    const axes = value.shape.slice(2).map((_, index) => index + 2);
    const size = axes.map((axis) => windowedSize(fixedDimension(value, axis), kernel, stride, pad, 1));
    return this.node(opType, [value], [...value.shape.slice(0, 2), ...size], {
      kernel_shape: axes.map(() => kernel),
      strides: axes.map(() => stride),
      pads: axes.flatMap(() => [pad, pad]),
      ...attributes,
    });
  }
}
