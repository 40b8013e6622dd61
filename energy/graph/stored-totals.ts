// What the file stores: parameters as the literature counts them, and the bytes that loading brings into memory.
import type { GraphProto } from '../onnx/messages.ts';
import { tensorTypeName } from '../onnx/tensor-types.ts';
import type { KnownTensor } from './inference/tensor.ts';
import { elementsOf } from './operation.ts';
import { elementBytes } from './operations.ts';

/** Integers of 32 and 64 bits are shapes, indices and tables; parameters are these. */
const parameterTypes = new Set(['float32', 'float16', 'bfloat16', 'float64', 'int8', 'uint8', 'int4', 'uint4', 'float4e2m1']);

/** Running mean and variance are buffers, not parameters. */
const runningStatistics = new Map([['BatchNormalization', [3, 4]]]);

/** Where a convolution or product carries scales and zero points, which are not parameters either. */
const scalesOf = new Map([
  ['QuantizeLinear', [1, 2]],
  ['DequantizeLinear', [1, 2]],
  ['QLinearConv', [1, 2, 4, 5, 6, 7]],
  ['QLinearMatMul', [1, 2, 4, 5, 6, 7]],
]);

/**
 * Elements of every constant of rank one or more that a node reads. Constants that nodes compute (ConstantOfShape and what
 * follows it) count where they meet data.
 */
export function countParameters(graph: GraphProto, tensors: ReadonlyMap<string, KnownTensor>): number {
  const counted = new Set<string>();
  const excluded = new Set<string>();
  for (const node of graph.node) {
    const type = node.opType ?? '';
    for (const position of [...(runningStatistics.get(type) ?? []), ...(scalesOf.get(type) ?? [])])
      excluded.add(node.input[position] ?? '');
    if (node.output.every((name) => tensors.get(name)?.constant)) continue;
    for (const name of node.input) if (isParameter(tensors.get(name))) counted.add(name);
  }
  let parameters = 0;
  for (const name of counted) if (!excluded.has(name)) parameters += elementsOf(tensors.get(name)?.shape ?? [0]);
  return parameters;
}

function isParameter(tensor: KnownTensor | undefined): boolean {
  const type = tensorTypeName(tensor?.elementType);
  return tensor?.constant === true && type !== undefined && parameterTypes.has(type) && (tensor.shape?.length ?? 0) > 0;
}

export interface Materialization {
  /** Stored initialisers plus everything that constant folding writes. */
  bytes: number;
  /** The largest single tensor that folding writes, for the message. */
  largest?: { name: string; operator: string; bytes: number };
}

/** Bytes that loading would bring into memory; tensors whose size is unknown count nothing here and meet the memory limit instead. */
export function materializedBytes(graph: GraphProto, tensors: ReadonlyMap<string, KnownTensor>): Materialization {
  let bytes = 0;
  for (const tensor of graph.initializer) bytes += elementsOf(tensor.dims) * elementBytes(tensor.dataType);
  let largest: Materialization['largest'];
  for (const node of graph.node)
    for (const name of node.output) {
      const tensor = tensors.get(name);
      if (!tensor?.constant || !tensor.shape) continue;
      const size = elementsOf(tensor.shape) * elementBytes(tensor.elementType);
      bytes += size;
      if (!largest || size > largest.bytes) largest = { name, operator: node.opType ?? '', bytes: size };
    }
  return { bytes, ...(largest ? { largest } : {}) };
}

export function initializerBytes(graph: GraphProto): number {
  return graph.initializer.reduce((sum, tensor) => sum + elementsOf(tensor.dims) * elementBytes(tensor.dataType), 0);
}
