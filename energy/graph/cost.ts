// Multiply–adds and bytes of one node. One MAC is one multiply–add; bias, activation and normalisation count as bytes and elements only.
import type { NodeClass } from './analysis.ts';
import {
  classify,
  convolutionWeight,
  isAttention,
  isConvolution,
  isRecurrent,
  isTransposedConvolution,
  productFactors,
} from './node-class.ts';
import { bytesOf, elementsOf, integerAttribute, type Operation, stringAttribute } from './operation.ts';

export interface NodeCost {
  nodeClass: NodeClass;
  macs: number;
  /** Activation bytes in and out. */
  bytes: number;
  weightBytes: number;
  outputElements: number;
  /** Of products and convolutions: output channels and length of one sum. */
  channels: number;
  reduction: number;
}

export function costOf(operation: Operation): NodeCost {
  const nodeClass = classify(operation);
  const outputElements = elementsOf(operation.outputs[0]?.shape ?? [0]);
  if (nodeClass === 'noop') return { nodeClass, macs: 0, bytes: 0, weightBytes: 0, outputElements, channels: 0, reduction: 0 };
  let bytes = 0;
  let weightBytes = 0;
  for (const input of operation.inputs) {
    if (input?.constant) weightBytes += bytesOf(input);
    else if (input) bytes += bytesOf(input);
  }
  for (const output of operation.outputs) bytes += bytesOf(output);
  return { nodeClass, bytes, weightBytes, outputElements, ...arithmetic(operation, outputElements) };
}

interface Arithmetic {
  macs: number;
  channels: number;
  reduction: number;
}

const none: Arithmetic = { macs: 0, channels: 0, reduction: 0 };

function arithmetic(operation: Operation, outputElements: number): Arithmetic {
  if (isConvolution(operation)) return convolution(operation, outputElements);
  if (isRecurrent(operation)) return recurrence(operation);
  if (isAttention(operation)) return attention(operation);
  switch (operation.type) {
    case 'Einsum':
      return einsum(operation, outputElements);
    case 'MatMulNBits': {
      const reduction = integerAttribute(operation, 'K', 0);
      return { macs: outputElements * reduction, channels: integerAttribute(operation, 'N', 0), reduction };
    }
    default:
      return classify(operation) === 'gemm' || classify(operation) === 'matmul' ? product(operation, outputElements) : none;
  }
}

/** Output elements × (input channels of a group × kernel). A transposed one spreads every input element instead. */
function convolution(operation: Operation, outputElements: number): Arithmetic {
  const weight = convolutionWeight(operation)?.shape ?? [];
  const reduction = elementsOf(weight.slice(1));
  if (!isTransposedConvolution(operation)) return { macs: outputElements * reduction, channels: weight[0] ?? 0, reduction };
  const inputElements = elementsOf(operation.inputs[0]?.shape ?? [0]);
  const group = integerAttribute(operation, 'group', 1);
  const macs = inputElements * reduction;
  return { macs, channels: group * (weight[1] ?? 0), reduction: outputElements > 0 ? macs / outputElements : 0 };
}

function product(operation: Operation, outputElements: number): Arithmetic {
  const [left, right] = productFactors(operation);
  const leftShape = left?.shape ?? [];
  const isTransposed = integerAttribute(operation, 'transA', 0) === 1 && leftShape.length > 1;
  const reduction = leftShape[leftShape.length - (isTransposed ? 2 : 1)] ?? 0;
  const rightShape = right?.shape ?? [];
  const transB = integerAttribute(operation, 'transB', 0) === 1;
  const channels = rightShape.length < 2 ? 1 : (rightShape[rightShape.length - (transB ? 2 : 1)] ?? 1);
  return { macs: outputElements * reduction, channels, reduction };
}

/** Every index that the equation names is one loop. */
function einsum(operation: Operation, outputElements: number): Arithmetic {
  const equation = stringAttribute(operation, 'equation', '').replaceAll(/\s/g, '');
  const [left = '', right = ''] = equation.split('->');
  const sizes = new Map<string, number>();
  for (const [position, term] of left.split(',').entries()) {
    const shape = operation.inputs[position]?.shape ?? [];
    // An ellipsis stands for leading dimensions, which the output carries too: align letters from the end.
    const letters = term.replace('...', '').split('');
    for (const [index, letter] of letters.entries()) sizes.set(letter, shape[shape.length - letters.length + index] ?? 1);
  }
  let reduction = 1;
  for (const [letter, size] of sizes) if (!right.includes(letter)) reduction *= size;
  const lastLetter = right[right.length - 1] ?? '';
  return { macs: outputElements * reduction, channels: sizes.get(lastLetter) ?? 1, reduction };
}

/** Input and recurrent weights are applied once per step and direction. */
function recurrence(operation: Operation): Arithmetic {
  const [steps = 0, batch = 0] = operation.inputs[0]?.shape ?? [];
  const weights = elementsOf(operation.inputs[1]?.shape ?? [0]) + elementsOf(operation.inputs[2]?.shape ?? [0]);
  const reduction = (operation.inputs[1]?.shape[2] ?? 0) + (operation.inputs[2]?.shape[2] ?? 0);
  return { macs: steps * batch * weights, channels: integerAttribute(operation, 'hidden_size', 0), reduction };
}

/** Scores and their use: two products of sequence × sequence × width; the packed input projection when its weight is given. */
function attention(operation: Operation): Arithmetic {
  const output = operation.outputs[0]?.shape ?? [];
  const width = output[output.length - 1] ?? 0;
  const rows = elementsOf(output.slice(0, -1));
  const keys = operation.inputs[1];
  const projection = keys?.constant ? rows * elementsOf(keys.shape) : 0;
  const length = keys && !keys.constant ? (keys.shape[1] ?? 0) : (operation.inputs[0]?.shape[1] ?? 0);
  return { macs: projection + 2 * rows * length * width, channels: width, reduction: length };
}
