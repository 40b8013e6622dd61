// From a graph's messages and the shapes of its tensors to operations.
import type { GraphProto, TensorProto } from '../onnx/messages.ts';
import { tensorTypeName, tensorTypes } from '../onnx/tensor-types.ts';
import { attributesOf, tensorAttribute } from './node-attributes.ts';
import type { Operation, TensorFact } from './operation.ts';

export interface ShapedTensor {
  shape: readonly number[];
  elementType?: number | undefined;
  /** Computed from constants alone, as a runtime folds it. */
  constant?: boolean;
}

/** Unknown shapes count nothing: their nodes appear, and `unshaped` says how many. */
export function operationsOf(
  graph: GraphProto,
  shapeOf: (name: string) => ShapedTensor | undefined,
): { operations: Operation[]; unshaped: string[] } {
  const constants = constantsOf(graph);
  const unshaped: string[] = [];
  const fact = (name: string): TensorFact | undefined => {
    if (name === '') return undefined;
    const constant = constants.get(name);
    const known: ShapedTensor | undefined = constant ? { shape: constant.dims, elementType: constant.dataType } : shapeOf(name);
    if (!known) unshaped.push(name);
    return {
      name,
      shape: known?.shape ?? [0],
      elementBytes: elementBytes(known?.elementType),
      constant: constant !== undefined || known?.constant === true,
    };
  };
  const operations = graph.node.map((node) => ({
    type: node.opType ?? '',
    domain: node.domain ?? '',
    name: node.name ?? '',
    attributes: attributesOf(node),
    inputs: node.input.map(fact),
    outputs: node.output.flatMap((name) => fact(name) ?? []),
  }));
  return { operations, unshaped: [...new Set(unshaped)] };
}

/** Initialisers, and Constant nodes where an optimiser left some. */
export function constantsOf(graph: GraphProto): Map<string, Pick<TensorProto, 'dims' | 'dataType'>> {
  const constants = new Map<string, Pick<TensorProto, 'dims' | 'dataType'>>();
  for (const tensor of graph.initializer) if (tensor.name !== undefined) constants.set(tensor.name, tensor);
  for (const node of graph.node) {
    const [output] = node.output;
    const tensor = node.opType === 'Constant' ? tensorAttribute(node, 'value') : undefined;
    if (tensor && output !== undefined) constants.set(output, tensor);
  }
  return constants;
}

export function elementBytes(elementType: number | undefined): number {
  const name = tensorTypeName(elementType);
  return name === undefined ? 4 : tensorTypes[name].bits / 8;
}
