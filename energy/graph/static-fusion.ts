// What ONNX Runtime's extended optimisation does to common graphs, without running it: for files too large to run and for
// tables of thousands of graphs. Equal nodes merge, batch norms and activations fold into convolutions and products. Nodes that
// nobody reads stay: the runtime runs them too. Patterns of many nodes (Gelu, layer norms) stay apart, so their bytes are overstated.
import type { GraphProto, NodeProto } from '../onnx/messages.ts';
import { attributeOf } from '../onnx/nodes.ts';
import type { KnownTensor } from './inference/tensor.ts';
import { attributesOf } from './node-attributes.ts';

const fusable = new Set(['Relu', 'LeakyRelu', 'Clip', 'Sigmoid', 'Tanh', 'HardSigmoid']);

export function fuseStatically(graph: GraphProto, tensors: ReadonlyMap<string, KnownTensor>): GraphProto {
  const computed = graph.node.filter(
    (node) => node.opType !== 'Identity' && !node.output.every((name) => tensors.get(name)?.constant),
  );
  return { ...graph, node: foldIntoProducers(mergeEqual(computed, identities(graph)), graph) };
}

/** What an identity passes on, under the name it passes it on as. */
function identities(graph: GraphProto): Map<string, string> {
  const sources = new Map<string, string>();
  for (const { opType, input, output } of graph.node) {
    const [source = ''] = input;
    if (opType === 'Identity') sources.set(output[0] ?? '', sources.get(source) ?? source);
  }
  return sources;
}

/** One node for all that compute the same from the same. */
function mergeEqual(nodes: readonly NodeProto[], renamed: Map<string, string>): NodeProto[] {
  const first = new Map<string, NodeProto>();
  const kept: NodeProto[] = [];
  for (const node of nodes) {
    const input = node.input.map((name) => renamed.get(name) ?? name);
    const key = JSON.stringify([
      node.domain,
      node.opType,
      input,
      [...attributesOf(node)].sort(([left], [right]) => (left < right ? -1 : 1)),
    ]);
    const twin = first.get(key);
    if (twin && twin.output.length === node.output.length)
      for (const [index, name] of node.output.entries()) renamed.set(name, twin.output[index] ?? name);
    else {
      const copy = { ...node, input };
      first.set(key, copy);
      kept.push(copy);
    }
  }
  return kept;
}

function foldIntoProducers(nodes: readonly NodeProto[], graph: GraphProto): NodeProto[] {
  const readers = new Map<string, number>();
  const names = [...nodes.flatMap((node) => node.input), ...graph.output.map(({ name }) => name ?? '')];
  for (const name of names) readers.set(name, (readers.get(name) ?? 0) + 1);
  const kept: NodeProto[] = [];
  const producers = new Map<string, NodeProto>();
  for (const node of nodes) {
    const [input = ''] = node.input;
    const producer = readers.get(input) === 1 ? producers.get(input) : undefined;
    if (producer && fold(node, producer, producers)) continue;
    const copy = { ...node };
    kept.push(copy);
    if (node.opType === 'Conv' || node.opType === 'Gemm') producers.set(node.output[0] ?? '', copy);
  }
  return kept;
}

/** The folded convolution gets a bias; after an activation nothing more can be folded. */
function fold(node: NodeProto, producer: NodeProto, producers: Map<string, NodeProto>): boolean {
  const type = node.opType ?? '';
  const isNorm = type === 'BatchNormalization' && producer.opType === 'Conv';
  if (!isNorm && !fusable.has(type)) return false;
  const [output = ''] = node.output;
  producers.delete(node.input[0] ?? '');
  producer.output = [output];
  if (isNorm) {
    producers.set(output, producer);
    // The shift of the norm becomes the bias, one number per channel.
    if (producer.input.length < 3) producer.input = [...producer.input, node.input[2] ?? ''];
  } else producer.attribute = [...producer.attribute, attributeOf('activation', type)];
  return true;
}
