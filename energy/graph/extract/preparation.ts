// Makes a model fit to be run once on dummy input: checks, fixed dimensions, a name for every node.
import type { DimensionProto, GraphProto, ModelProto, NodeProto, ValueInfoProto } from '../../onnx/messages.ts';
import { tensorTypeName, tensorTypes } from '../../onnx/tensor-types.ts';
import type { TensorInfo } from '../analysis.ts';
import { UnsupportedModelError } from './analyze.ts';

/** What the runtime in package.json reads. */
export const supportedOpsets = { minimum: 7, maximum: 26 } as const;

const controlFlow = new Set(['If', 'Loop', 'Scan', 'SequenceMap']);
const maximumDimension = 2 ** 31;

/** The version of the standard operators. */
export function opsetOf(model: ModelProto): number {
  const version = model.opsetImport.find(({ domain }) => domain === undefined || domain === '' || domain === 'ai.onnx')?.version;
  if (version === undefined)
    throw new UnsupportedModelError(
      'Invalid',
      'the model does not say which opset of the standard operators it uses: export it again',
    );
  const { minimum, maximum } = supportedOpsets;
  if (version < minimum || version > maximum)
    throw new UnsupportedModelError(
      'UnsupportedOpset',
      `the model uses opset ${version}, supported are ${minimum} to ${maximum}: export it with opset 17`,
    );
  return version;
}

export function checkGraph(model: ModelProto, graph: GraphProto, maximumNodes: number): void {
  const nodes = [...graph.node, ...model.functions.flatMap((definition) => definition.node)];
  if (nodes.length > maximumNodes)
    throw new UnsupportedModelError('TooLarge', `the graph has ${nodes.length} nodes, the limit is ${maximumNodes}`);
  if (graph.output.length === 0) throw new UnsupportedModelError('Invalid', 'the graph has no output: export it again');
  const branching = nodes.find((node) => controlFlow.has(node.opType ?? '') || hasSubgraph(node));
  if (branching)
    throw new UnsupportedModelError(
      'ControlFlow',
      `node "${branching.name ?? ''}" (${branching.opType ?? ''}) runs a part of the graph zero or many times, so its energy is not fixed: export without control flow (trace instead of script, fixed sizes)`,
    );
}

/** What is stored in ways that cannot be bounded before the runtime unfolds it, or that the runtime alone would open. */
export function checkStorage(graph: GraphProto, functions: readonly { node: NodeProto[] }[]): void {
  const [sparse] = graph.sparseInitializer;
  if (sparse) throw sparselyStored(sparse.values?.name ?? '');
  for (const node of [...graph.node, ...functions.flatMap((definition) => definition.node)])
    for (const { t, tensors, sparseTensor, sparseTensors } of node.attribute) {
      if (sparseTensor !== undefined || sparseTensors.length > 0) throw sparselyStored(node.output[0] ?? '');
      if ([...(t ? [t] : []), ...tensors].some(({ dataLocation }) => dataLocation === 1))
        throw new UnsupportedModelError(
          'ExternalData',
          `the constant "${(node.output[0] ?? '').slice(0, 80)}" of a node is stored in another file, where only weights of the graph may be: save the model with its constants inside`,
        );
    }
}

function sparselyStored(name: string): UnsupportedModelError {
  return new UnsupportedModelError(
    'Invalid',
    `"${name.slice(0, 80)}" is stored as a sparse tensor, which is not read: export the model with dense weights`,
  );
}

function hasSubgraph(node: NodeProto): boolean {
  return node.attribute.some(({ g, graphs }) => g !== undefined || graphs.length > 0);
}

/** Inputs without a stored value: what a caller must give. */
export function requiredInputs(graph: GraphProto): ValueInfoProto[] {
  const stored = new Set(graph.initializer.map(({ name }) => name));
  return graph.input.filter(({ name }) => !stored.has(name));
}

export function tensorInfo(value: ValueInfoProto): TensorInfo {
  const tensor = value.type?.tensorType;
  const type = tensorTypeName(tensor?.elemType);
  const datatype = type === undefined ? undefined : tensorTypes[type].openInferenceName;
  if (!tensor || datatype === undefined)
    throw new UnsupportedModelError(
      'Invalid',
      `"${value.name ?? ''}" is not a tensor of a type that the inference protocol can carry: export the model with plain tensors`,
    );
  return { name: value.name ?? '', datatype, shape: tensor.shape?.dim.map(({ dimValue }) => dimValue ?? -1) ?? [] };
}

/**
 * Writes numbers for symbols into the inputs: the first dimension is a batch of one, others must be given. Declared shapes of
 * everything else are dropped, the runtime infers them again.
 */
export function fixDimensions(graph: GraphProto, dimensions: Readonly<Record<string, number>>): void {
  for (const input of requiredInputs(graph)) {
    const shape = input.type?.tensorType?.shape;
    if (!shape)
      throw new UnsupportedModelError(
        'Invalid',
        `input "${input.name ?? ''}" does not say how many dimensions it has: export it with a shape`,
      );
    for (const [index, dimension] of shape.dim.entries()) fixDimension(dimension, index, input.name ?? '', dimensions);
  }
  graph.valueInfo = [];
  for (const output of graph.output) if (output.type?.tensorType) delete output.type.tensorType.shape;
}

function fixDimension(dimension: DimensionProto, index: number, input: string, given: Readonly<Record<string, number>>): void {
  const symbol = dimension.dimParam ?? '';
  const key = Object.hasOwn(given, symbol) && symbol !== '' ? symbol : `${input}.${index}`;
  const declared = dimension.dimValue !== undefined && dimension.dimValue > 0 ? dimension.dimValue : undefined;
  const size = declared ?? (Object.hasOwn(given, key) ? given[key] : undefined) ?? (index === 0 ? 1 : undefined);
  if (size === undefined)
    throw new UnsupportedModelError(
      'Invalid',
      `dimension ${index}${symbol === '' ? '' : ` ("${symbol}")`} of input "${input}" has no size, and energy depends on it: export with a fixed size, or give ${symbol === '' ? key : symbol}=SIZE`,
    );
  if (!Number.isInteger(size) || size < 1 || size > maximumDimension)
    throw new UnsupportedModelError(
      'Invalid',
      `dimension ${index} of input "${input}" is ${size}: a size from 1 to ${maximumDimension} is needed`,
    );
  delete dimension.dimParam;
  dimension.dimValue = size;
}

/** Unique names, so that the profile's events can be told apart; existing unique names stay, people know them. */
export function nameNodes(graph: GraphProto): void {
  const used = new Set<string>();
  for (const [index, node] of graph.node.entries()) {
    const name = node.name ?? '';
    node.name = name === '' || used.has(name) ? `node-${index}` : name;
    used.add(node.name);
  }
}
