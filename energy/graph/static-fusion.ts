// For graphs too large to run: leaves out what a runtime fuses or folds, so that static sums resemble the profiled ones.
import type { GraphProto, NodeProto } from '../onnx/messages.ts';
import { attributeOf } from '../onnx/nodes.ts';
import type { KnownTensor } from './inference/tensor.ts';

const fusable = new Set(['Relu', 'LeakyRelu', 'Clip', 'Sigmoid', 'Tanh', 'HardSigmoid']);

/** A graph without constant branches, with batch norms and activations folded into the convolution that alone feeds them. */
export function fuseStatically(graph: GraphProto, tensors: ReadonlyMap<string, KnownTensor>): GraphProto {
  const readers = countReaders(graph);
  const kept: NodeProto[] = [];
  const convolutions = new Map<string, NodeProto>();
  for (const node of graph.node) {
    if (node.output.every((name) => tensors.get(name)?.constant)) continue;
    const [input = ''] = node.input;
    const producer = readers.get(input) === 1 ? convolutions.get(input) : undefined;
    if (producer && fold(node, producer, convolutions)) continue;
    const copy = { ...node };
    kept.push(copy);
    if (node.opType === 'Conv') convolutions.set(node.output[0] ?? '', copy);
  }
  return { ...graph, node: kept };
}

function countReaders(graph: GraphProto): Map<string, number> {
  const readers = new Map<string, number>();
  const names = [...graph.node.flatMap((node) => node.input), ...graph.output.map(({ name }) => name ?? '')];
  for (const name of names) readers.set(name, (readers.get(name) ?? 0) + 1);
  return readers;
}

/** After an activation nothing more can be folded. */
function fold(node: NodeProto, producer: NodeProto, convolutions: Map<string, NodeProto>): boolean {
  const type = node.opType ?? '';
  if (!fusable.has(type) && type !== 'BatchNormalization') return false;
  const [output = ''] = node.output;
  convolutions.delete(node.input[0] ?? '');
  producer.output = [output];
  if (type === 'BatchNormalization') convolutions.set(output, producer);
  else producer.attribute = [...producer.attribute, attributeOf('activation', type)];
  return true;
}
