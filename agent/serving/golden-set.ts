// The gate that a model passes on the very device: known inputs, reference outputs or labels.
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Slot } from '../../crds/model-instance.ts';
import type { Disk } from '../disk/disk.ts';
import { datatypes, elementCount, type Tensor, type TensorDescription } from '../inference/datatypes.ts';
import type { EngineModel } from '../inference/engine.ts';
import { fromJson, numericValues } from '../inference/tensor-json.ts';

export interface GoldenSample {
  inputs: Tensor[];
  outputs: Tensor[];
  /** Index or name of the right class. */
  label?: number | string;
}

export interface GoldenResult {
  metric: 'Accuracy' | 'Agreement';
  permille: number;
  samples: number;
  passed: boolean;
}

const unzip = promisify(gunzip);
const maximumBytes = 256 * 1024 * 1024;
const maximumSamples = 10_000;
/** Kernels and quantisation differ between architectures by more than rounding. */
const relativeTolerance = 0.02;
const absoluteTolerance = 1e-3;

/** Gzip JSON lines: `{ "inputs": [...], "outputs": [...], "label": 2 }`. @throws Error that names the line. */
export async function readGoldenSet(file: string, disk: Disk): Promise<GoldenSample[]> {
  const packed = await disk.read(file);
  const isPacked = packed[0] === 0x1f && packed[1] === 0x8b;
  const text = (isPacked ? await unzip(packed, { maxOutputLength: maximumBytes }) : packed).toString('utf8');
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.slice(0, maximumSamples).map((line, index) => {
    try {
      const sample = JSON.parse(line) as { inputs?: unknown[]; outputs?: unknown[]; label?: number | string };
      const inputs = (sample.inputs ?? []).map((input, at) => fromJson(input, `inputs[${at}]`));
      const outputs = (sample.outputs ?? []).map((output, at) => fromJson(output, `outputs[${at}]`));
      return { inputs, outputs, ...(sample.label === undefined ? {} : { label: sample.label }) };
    } catch (error) {
      throw new Error(`line ${index + 1} of the golden set: ${(error as Error).message}`, { cause: error });
    }
  });
}

export async function runGoldenSet(
  model: EngineModel,
  slot: Slot,
  samples: readonly GoldenSample[],
  signal: AbortSignal,
): Promise<GoldenResult> {
  const metric = slot.goldenSet?.metric ?? 'Accuracy';
  let right = 0;
  for (const [index, sample] of samples.entries()) {
    signal.throwIfAborted();
    const { outputs } = await model.infer({ inputs: sample.inputs, outputs: [] }).catch((error: Error) => {
      throw new Error(`golden sample ${index + 1} of ${samples.length}: ${error.message}`, { cause: error });
    });
    if (metric === 'Accuracy' ? isRight(outputs, sample, slot.classLabels) : agrees(outputs, sample.outputs)) right++;
  }
  const permille = samples.length === 0 ? 0 : Math.round((1000 * right) / samples.length);
  return {
    metric,
    permille,
    samples: samples.length,
    passed: samples.length > 0 && permille >= (slot.goldenSet?.minimumPermille ?? 0),
  };
}

/** The class with the highest score in the first output. */
export function topClass(outputs: readonly Tensor[]): number | undefined {
  const first = outputs[0];
  if (!first || first.datatype === 'BYTES') return undefined;
  const values = numericValues(first);
  let best: number | undefined;
  for (let index = 0; index < values.length; index++) {
    if (best === undefined || (values[index] ?? 0) > (values[best] ?? 0)) best = index;
  }
  return best;
}

function isRight(outputs: readonly Tensor[], sample: GoldenSample, classLabels: readonly string[] | undefined): boolean {
  const top = topClass(outputs);
  const wanted = sample.label ?? topClass(sample.outputs);
  if (top === undefined || wanted === undefined) return false;
  return typeof wanted === 'string' ? classLabels?.[top] === wanted : top === wanted;
}

/** Every reference output is there, element by element within the tolerance. */
export function agrees(outputs: readonly Tensor[], reference: readonly Tensor[]): boolean {
  return reference.every((expected) => {
    const actual = outputs.find((output) => output.name === expected.name);
    if (!actual || elementCount(actual.shape) !== elementCount(expected.shape)) return false;
    if (expected.datatype === 'BYTES') return Buffer.from(actual.data).equals(expected.data);
    const a = numericValues(actual);
    const b = numericValues(expected);
    for (let index = 0; index < b.length; index++) {
      const wanted = b[index] ?? 0;
      if (!(Math.abs((a[index] ?? 0) - wanted) <= absoluteTolerance + relativeTolerance * Math.abs(wanted))) return false;
    }
    return true;
  });
}

/** Zeros, one byte per text of none: an input that every model accepts, for warm-up and for loops without a golden set. */
export function neutralInputs(inputs: readonly TensorDescription[]): Tensor[] {
  return inputs.map((input) => {
    const shape = input.shape.map((size) => (size === -1 ? 1 : size));
    const bytes = input.datatype === 'BYTES' ? 4 : datatypes[input.datatype].bytes;
    return { name: input.name, datatype: input.datatype, shape, data: new Uint8Array(elementCount(shape) * bytes) };
  });
}
