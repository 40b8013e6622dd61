// The one word for a model's number format that class keys compare.
import type { GraphProto } from '../onnx/messages.ts';
import { elementCount, tensorTypeName } from '../onnx/tensor-types.ts';

const groups: Readonly<Record<string, string>> = {
  float32: 'fp32',
  float64: 'fp64',
  float16: 'fp16',
  bfloat16: 'bf16',
  int8: 'int8',
  uint8: 'int8',
  int4: 'int4',
  uint4: 'int4',
};

/** What at least 95 % of the weights are (scales and biases stay float in quantised models), else `mixed`. */
export function precisionOf(weights: readonly { elementType?: number | undefined; elements: number }[]): string {
  const totals = new Map<string, number>();
  let all = 0;
  for (const { elementType, elements } of weights) {
    const group = groups[tensorTypeName(elementType) ?? ''];
    if (group === undefined) continue;
    totals.set(group, (totals.get(group) ?? 0) + elements);
    all += elements;
  }
  const [largest] = [...totals].sort((left, right) => right[1] - left[1]);
  if (!largest) return 'fp32';
  return largest[1] >= 0.95 * all ? largest[0] : 'mixed';
}

export function storedWeights(graph: GraphProto): { elementType?: number | undefined; elements: number }[] {
  return graph.initializer.map(({ dataType, dims }) => ({ elementType: dataType, elements: elementCount(dims) }));
}
