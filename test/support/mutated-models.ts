// Damaged ONNX files from sound ones: bytes flipped, cut and repeated, and well-formed files that say impossible things.
import { writeFile } from 'node:fs/promises';
import { analyzeGraph, UnsupportedModelError } from '../../energy/graph/extract/analyze.ts';
import { GraphBuilder } from '../../energy/onnx/builder.ts';
import type { GraphProto } from '../../energy/onnx/messages.ts';
import { readModel, writeModel } from '../../energy/onnx/model.ts';
import { attributeOf, floatTensor, nodeOf, tensorOf } from '../../energy/onnx/nodes.ts';
import { elementCount } from '../../energy/onnx/tensor-types.ts';
import { randomGenerator } from '../../energy/prediction/training/folds.ts';

export function soundModels(): Uint8Array[] {
  return [convolutional(), products(), halfFloats(), quantized(), dynamic(), branching()];
}

function convolutional(): Uint8Array {
  const builder = new GraphBuilder({ name: 'convolutional', weights: { kind: 'random', seed: 1 } });
  let value = builder.input('x', [1, 3, 16, 16]);
  value = builder.relu(builder.batchNorm(builder.conv(value, { filters: 8, kernel: 3 })));
  value = builder.maxPool(value, { kernel: 2, stride: 2 });
  builder.output('y', builder.gemm(builder.flatten(builder.globalAveragePool(value)), 10));
  return builder.build();
}

function products(): Uint8Array {
  const builder = new GraphBuilder({ name: 'products', weights: { kind: 'constant', seed: 1, minimumElements: 16 } });
  let sequence = builder.input('x', [1, 12, 16]);
  sequence = builder.linear(sequence, 32);
  const scores = builder.matmul(sequence, builder.transpose(sequence, [0, 2, 1]));
  builder.output('y', builder.matmul(scores, sequence));
  return builder.build();
}

function halfFloats(): Uint8Array {
  return changed(convolutional(), (graph) => {
    for (const tensor of graph.initializer) {
      if (tensor.dataType !== 1) continue;
      tensor.dataType = 10;
      tensor.rawData = new Uint8Array(2 * elementCount(tensor.dims));
    }
    for (const value of [...graph.input, ...graph.output]) if (value.type?.tensorType) value.type.tensorType.elemType = 10;
  });
}

/** Its weights are stored as bytes with a scale. */
function quantized(): Uint8Array {
  return changed(convolutional(), (graph) => {
    for (const [index, tensor] of graph.initializer.entries()) {
      const { name, dims } = tensor;
      if (name === undefined || dims.length < 2) continue;
      graph.initializer[index] = tensorOf(`${name}/int8`, 'int8', dims, new Uint8Array(elementCount(dims)).fill(3));
      graph.initializer.push(floatTensor(`${name}/scale`, [], [0.01]), tensorOf(`${name}/zero`, 'int8', [], new Uint8Array(1)));
      graph.node.unshift(nodeOf('DequantizeLinear', [`${name}/int8`, `${name}/scale`, `${name}/zero`], [name]));
    }
  });
}

/** A symbolic batch, weights beside the file that are not there. */
function dynamic(): Uint8Array {
  return changed(convolutional(), (graph) => {
    const [batch] = graph.input[0]?.type?.tensorType?.shape?.dim ?? [];
    if (batch) {
      delete batch.dimValue;
      batch.dimParam = 'N';
    }
    const [tensor] = graph.initializer;
    if (!tensor) return;
    delete tensor.rawData;
    tensor.dataLocation = 1;
    tensor.externalData = [{ key: 'location', value: 'weights.bin' }];
  });
}

/** A node with a graph of its own. */
function branching(): Uint8Array {
  return changed(products(), (graph) => {
    const [first] = graph.node;
    first?.attribute.push({ ...attributeOf('body', 1), g: { ...graph, node: graph.node.slice(1), initializer: [] } });
  });
}

function changed(bytes: Uint8Array, change: (graph: GraphProto) => void): Uint8Array {
  const model = readModel(bytes);
  change(model.graph);
  return writeModel(model);
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

export const mutantLimits = { seconds: 20, memoryBytes: 512 * 2 ** 20, materializedBytes: 256 * 2 ** 20 };

export interface MutantOutcome {
  /** `analysed`, or the reason of the refusal. */
  outcome: string;
  seconds: number;
}

/**
 * Reads the `index`-th mutant as any file is read.
 * @throws Error when it ends in anything but sane features or a refusal with a reason.
 */
export async function readMutant(models: readonly Uint8Array[], index: number, file: string): Promise<MutantOutcome> {
  await writeFile(file, mutant(models, index));
  const started = performance.now();
  const outcome = await analyzeGraph(file, { signal: new AbortController().signal, limits: mutantLimits }).then(
    ({ features: { macs, bytes, parameters } }) => {
      const wrong = [macs, bytes, parameters].find((value) => !Number.isFinite(value) || value < 0);
      if (wrong !== undefined) throw new Error(`mutant ${index} has the feature ${wrong}`);
      return 'analysed';
    },
    (error: unknown) => {
      if (error instanceof UnsupportedModelError && error.message.length > 10) return error.reason;
      throw new Error(`mutant ${index} is refused without a reason`, { cause: error });
    },
  );
  return { outcome, seconds: (performance.now() - started) / 1000 };
}
