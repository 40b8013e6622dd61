// Damaged ONNX files from sound ones: bytes flipped, cut and repeated, and well-formed files that say impossible things.
import { GraphBuilder } from '../../energy/onnx/builder.ts';
import type { GraphProto } from '../../energy/onnx/messages.ts';
import { readModel, writeModel } from '../../energy/onnx/model.ts';
import { randomGenerator } from '../../energy/prediction/training/folds.ts';

export function soundModels(): Uint8Array[] {
  const convolutional = new GraphBuilder({ name: 'convolutional', weights: { kind: 'random', seed: 1 } });
  let value = convolutional.input('x', [1, 3, 16, 16]);
  value = convolutional.relu(convolutional.batchNorm(convolutional.conv(value, { filters: 8, kernel: 3 })));
  value = convolutional.maxPool(value, { kernel: 2, stride: 2 });
  convolutional.output('y', convolutional.gemm(convolutional.flatten(convolutional.globalAveragePool(value)), 10));
  const products = new GraphBuilder({ name: 'products', weights: { kind: 'constant', seed: 1, minimumElements: 16 } });
  let sequence = products.input('x', [1, 12, 16]);
  sequence = products.linear(sequence, 32);
  const scores = products.matmul(sequence, products.transpose(sequence, [0, 2, 1]));
  products.output('y', products.matmul(scores, sequence));
  return [convolutional.build(), products.build()];
}

type Random = () => number;
const pick = <T>(items: readonly T[], random: Random): T | undefined => items[Math.floor(random() * items.length)];
const impossible = [0, -1, 1, 2, 3, 7, 255, 65_537, 2 ** 31 - 1, 2 ** 31, 2 ** 40, 2 ** 52];

const byteMutations: ((bytes: Uint8Array, random: Random) => Uint8Array)[] = [
  (bytes, random) => {
    const copy = bytes.slice();
    for (let count = 1 + Math.floor(random() * 8); count > 0; count -= 1)
      copy[Math.floor(random() * copy.length)] = Math.floor(random() * 256);
    return copy;
  },
  (bytes, random) => bytes.slice(0, Math.floor(random() * bytes.length)),
  (bytes, random) => {
    const from = Math.floor(random() * bytes.length);
    const part = bytes.slice(from, from + Math.floor(random() * 64));
    return Uint8Array.from([...bytes.slice(0, from), ...part, ...part, ...bytes.slice(from)]);
  },
];

const graphMutations: ((graph: GraphProto, random: Random) => void)[] = [
  (graph, random) => {
    const dims = pick(graph.initializer, random)?.dims;
    if (dims) dims[Math.floor(random() * dims.length)] = Math.abs(pick(impossible, random) ?? 0);
  },
  (graph, random) => {
    const attribute = pick(pick(graph.node, random)?.attribute ?? [], random);
    const value = BigInt(pick(impossible, random) ?? 0);
    if (attribute && attribute.ints.length > 0) attribute.ints[Math.floor(random() * attribute.ints.length)] = value;
    else if (attribute?.i !== undefined) attribute.i = value;
  },
  (graph, random) => {
    const node = pick(graph.node, random);
    const other = pick(graph.node, random);
    if (node && other) node.input[Math.floor(random() * node.input.length)] = other.output[0] ?? '';
  },
  (graph, random) => {
    const node = pick(graph.node, random);
    if (node)
      node.opType =
        pick(['Resize', 'Tile', 'Pad', 'Expand', 'Reshape', 'ConstantOfShape', 'LSTM', 'TopK', 'Einsum', 'Nothing'], random) ??
        '';
  },
  (graph, random) => {
    graph.node.splice(Math.floor(random() * graph.node.length), 1);
  },
  (graph, random) => {
    graph.initializer.splice(Math.floor(random() * graph.initializer.length), 1);
  },
  (graph, random) => {
    const dimension = pick(graph.input[0]?.type?.tensorType?.shape?.dim ?? [], random);
    if (dimension) dimension.dimValue = Math.abs(pick(impossible, random) ?? 0);
  },
  (graph, random) => {
    const tensor = pick(graph.initializer, random);
    if (tensor) tensor.dataType = Math.floor(random() * 26);
  },
];

/** The `index`-th mutant: the same number gives the same bytes. */
export function mutant(models: readonly Uint8Array[], index: number): Uint8Array {
  const random = randomGenerator(index + 1);
  const bytes = models[index % models.length] ?? new Uint8Array();
  if (index % 3 === 0) return (byteMutations[Math.floor(random() * byteMutations.length)] ?? ((same) => same))(bytes, random);
  const model = readModel(bytes);
  for (let count = 1 + Math.floor(random() * 2); count > 0; count -= 1) pick(graphMutations, random)?.(model.graph, random);
  try {
    return writeModel(model);
  } catch {
    // The writer refuses a number that the format cannot hold: damage the bytes instead.
    return bytes.slice(0, index % bytes.length);
  }
}
