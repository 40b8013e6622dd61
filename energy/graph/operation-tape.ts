// Counts what a network costs while it is described, without a file: the figures of writing it, reading it back and fusing it
// statically, at a fiftieth of the time, for tables of thousands of networks. Float32, batch 1.
import type { GraphFeatures } from './analysis.ts';
import { addOperation, emptyFeatures, finishedFeatures } from './feature-sums.ts';
import { bytesOf, type Operation, type TensorFact } from './operation.ts';

const floatBytes = 4;

/** A tensor of the network. */
export interface Traced {
  readonly index: number;
  /** Channels, height and width; channels alone after `flatten`. */
  readonly shape: readonly number[];
}

type StepType = 'Conv' | 'BatchNormalization' | 'Relu' | 'AveragePool' | 'GlobalAveragePool' | 'Add' | 'Mul' | 'Flatten' | 'Gemm';

interface Step {
  type: StepType;
  inputs: Traced[];
  output: Traced;
  /** Shapes of the constants it reads. */
  weights: (readonly number[])[];
  stride: number;
  /** Folded into it. */
  activation: boolean;
}

export class OperationTape {
  readonly #steps: Step[] = [];
  /** Steps without weights of their own that compute the same from the same are one. */
  readonly #known = new Map<number, Traced>();
  /** Numbers that values are scaled by: each is one constant of the network. */
  readonly #factors = new Map<number, Traced>();
  #values = 0;
  #parameters = 0;

  input(shape: readonly number[]): Traced {
    return this.#value(shape);
  }

  conv(value: Traced, { filters, kernel, stride = 1 }: { filters: number; kernel: number; stride?: number }): Traced {
    const [channels = 0, ...sides] = value.shape;
    const weight = [filters, channels, kernel, kernel];
    // Odd kernels with `same` padding, as the builder writes them.
    const shape = [filters, ...sides.map((side) => Math.floor((side - 1) / stride) + 1)];
    this.#parameters += filters * channels * kernel * kernel;
    return this.#step('Conv', [value], shape, { weights: [weight], stride });
  }

  batchNorm(value: Traced): Traced {
    const channels = [value.shape[0] ?? 0];
    this.#parameters += 2 * (value.shape[0] ?? 0);
    return this.#step('BatchNormalization', [value], value.shape, { weights: [channels, channels, channels, channels] });
  }

  relu(value: Traced): Traced {
    return this.#once(1, [value], () => this.#step('Relu', [value], value.shape));
  }

  averagePool(value: Traced, { kernel, stride, padding = 0 }: { kernel: number; stride: number; padding?: number }): Traced {
    const [channels = 0, ...sides] = value.shape;
    const shape = [channels, ...sides.map((side) => Math.floor((side + 2 * padding - kernel) / stride) + 1)];
    return this.#once(2 + kernel, [value], () => this.#step('AveragePool', [value], shape));
  }

  globalAveragePool(value: Traced): Traced {
    return this.#step('GlobalAveragePool', [value], [value.shape[0] ?? 0, 1, 1]);
  }

  add(left: Traced, right: Traced): Traced {
    return this.#once(0, [left, right], () => this.#step('Add', [left, right], left.shape));
  }

  scaled(value: Traced, factor: number): Traced {
    const constant = this.#factors.get(factor) ?? { index: this.#factors.size, shape: [1] };
    this.#factors.set(factor, constant);
    return this.#once(15, [value, constant], () => this.#step('Mul', [value], value.shape, { weights: [constant.shape] }));
  }

  flatten(value: Traced): Traced {
    return this.#step('Flatten', [value], [value.shape.reduce((product, size) => product * size, 1)]);
  }

  gemm(value: Traced, units: number): Traced {
    const features = value.shape[0] ?? 0;
    this.#parameters += units * features + units;
    return this.#step('Gemm', [value], [units], { weights: [[units, features], [units]] });
  }

  features(): GraphFeatures {
    const steps = this.#folded();
    const counts = new Map<string, { step: Step; times: number }>();
    for (const step of steps) {
      const key = signature(step);
      const known = counts.get(key);
      if (known) known.times += 1;
      else counts.set(key, { step, times: 1 });
    }
    const sums = emptyFeatures();
    let initializerBytes = floatBytes * this.#factors.size;
    for (const [key, { step, times }] of counts) {
      const operation = operationOf(key, step);
      addOperation(sums, operation, times);
      if (step.type === 'Mul') continue;
      for (const input of operation.inputs) if (input?.constant) initializerBytes += times * bytesOf(input);
    }
    return finishedFeatures(sums, {
      parameters: this.#parameters + this.#factors.size,
      initializerBytes,
      depth: depthOf(steps, this.#values),
      peakActivationBytes: peakBytes(steps, this.#values),
    });
  }

  /** Norms and activations go into the convolution or product that alone feeds them. */
  #folded(): Step[] {
    const readers = new Uint32Array(this.#values);
    for (const { inputs } of this.#steps) for (const { index } of inputs) readers[index] = (readers[index] ?? 0) + 1;
    const open = new Map<number, Step>();
    const kept: Step[] = [];
    for (const step of this.#steps) {
      const source = step.inputs[0]?.index ?? -1;
      const producer = readers[source] === 1 ? open.get(source) : undefined;
      if (producer && folds(step, producer)) {
        open.delete(source);
        // After an activation nothing more can be folded.
        if (!producer.activation) open.set(step.output.index, producer);
        continue;
      }
      const copy = { ...step };
      kept.push(copy);
      if (step.type === 'Conv' || step.type === 'Gemm') open.set(step.output.index, copy);
    }
    return kept;
  }

  #once(kind: number, inputs: readonly Traced[], make: () => Traced): Traced {
    const key = kind + 16 * ((inputs[0]?.index ?? 0) + 65_536 * (inputs[1]?.index ?? 0));
    const known = this.#known.get(key) ?? make();
    this.#known.set(key, known);
    return known;
  }

  #value(shape: readonly number[]): Traced {
    const index = this.#values;
    this.#values += 1;
    return { index, shape };
  }

  #step(
    type: StepType,
    inputs: Traced[],
    shape: readonly number[],
    more: Partial<Pick<Step, 'weights' | 'stride'>> = {},
  ): Traced {
    const output = this.#value(shape);
    this.#steps.push({ type, inputs, output, weights: [], stride: 1, activation: false, ...more });
    return output;
  }
}

/** Changes the producer when it takes the step in. */
function folds(step: Step, producer: Step): boolean {
  const isNorm = step.type === 'BatchNormalization' && producer.type === 'Conv';
  if (!isNorm && step.type !== 'Relu') return false;
  producer.output = step.output;
  // The shift of the norm becomes the bias.
  if (isNorm && producer.weights.length < 2) producer.weights = [...producer.weights, step.weights[0] ?? []];
  if (!isNorm) producer.activation = true;
  return true;
}

function signature({ type, inputs, output, weights, stride, activation }: Step): string {
  return `${type} ${stride} ${activation} ${inputs[0]?.shape.join()} ${output.shape.join()} ${weights.join(';')}`;
}

const operations = new Map<string, Operation>();

/** Equal steps of all networks share one operation. */
function operationOf(key: string, step: Step): Operation {
  const known = operations.get(key);
  if (known) return known;
  const activation = (shape: readonly number[]): TensorFact => fact([1, ...shape], false);
  const operation: Operation = {
    type: step.type,
    domain: '',
    name: '',
    attributes: new Map<string, string | number | readonly number[]>([
      ['strides', [step.stride, step.stride]],
      ['transB', 1],
      ...(step.activation ? [['activation', 'Relu'] as const] : []),
    ]),
    inputs: [...step.inputs.map(({ shape }) => activation(shape)), ...step.weights.map((shape) => fact(shape, true))],
    outputs: [activation(step.output.shape)],
  };
  operations.set(key, operation);
  return operation;
}

function fact(shape: readonly number[], constant: boolean): TensorFact {
  return { name: '', shape, elementBytes: floatBytes, constant };
}

function depthOf(steps: readonly Step[], values: number): number {
  const depths = new Uint32Array(values);
  let deepest = 0;
  for (const { inputs, output } of steps) {
    let depth = 0;
    for (const { index } of inputs) depth = Math.max(depth, depths[index] ?? 0);
    depths[output.index] = depth + 1;
    deepest = Math.max(deepest, depth + 1);
  }
  return deepest;
}

/** Activations alive at once, each from its producer to its last reader; what nobody reads stays. */
function peakBytes(steps: readonly Step[], values: number): number {
  const lastUse = new Int32Array(values).fill(-1);
  for (const [at, { inputs }] of steps.entries()) for (const { index } of inputs) lastUse[index] = at;
  const alive = new Float64Array(values);
  let live = 0;
  let peak = 0;
  for (const [at, { inputs, output }] of steps.entries()) {
    for (const { index, shape } of [...inputs, output]) {
      if ((alive[index] ?? 0) > 0) continue;
      alive[index] = floatBytes * shape.reduce((product, size) => product * size, 1);
      live += alive[index] ?? 0;
    }
    peak = Math.max(peak, live);
    for (const { index } of inputs) {
      if (lastUse[index] !== at) continue;
      live -= alive[index] ?? 0;
      alive[index] = 0;
    }
  }
  return peak;
}
