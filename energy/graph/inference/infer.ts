// Shapes without running: walks the nodes in file order with what is declared, stored and computable.
import type { GraphProto, NodeProto, TensorProto } from '../../onnx/messages.ts';
import { floatElements, integerElements } from '../../onnx/tensor-types.ts';
import { attributesOf, tensorAttribute } from '../node-attributes.ts';
import { arithmeticRules } from './arithmetic-rules.ts';
import type { Rule } from './context.ts';
import { layoutRules } from './layout-rules.ts';
import { type KnownTensor, maximumElements } from './tensor.ts';
import { windowRules } from './window-rules.ts';

const rules = new Map<string, Rule>(Object.entries({ ...windowRules, ...layoutRules, ...arithmeticRules }));

export interface Inference {
  tensors: ReadonlyMap<string, KnownTensor>;
  /** Operators whose outputs could not be told. */
  unresolved: string[];
}

/**
 * `observed` wins over what is inferred.
 * Symbols of the inputs are expected to be numbers already: an input with an unknown dimension has no shape here.
 */
export function inferShapes(graph: GraphProto, opset: number, observed?: ReadonlyMap<string, KnownTensor>): Inference {
  const tensors = declaredTensors(graph);
  const unresolved: string[] = [];
  for (const node of graph.node) {
    const inferred = outputsOf(node, tensors, opset);
    const outputs = node.output.map((name, index) => observed?.get(name) ?? inferred[index]);
    if (node.output[0] && !outputs[0]?.shape) unresolved.push(node.opType ?? '');
    for (const [index, name] of node.output.entries()) {
      const output = outputs[index];
      if (name !== '' && output) tensors.set(name, output);
    }
  }
  return { tensors, unresolved };
}

function declaredTensors(graph: GraphProto): Map<string, KnownTensor> {
  const tensors = new Map<string, KnownTensor>();
  for (const { name, type } of graph.input) {
    const shape = type?.tensorType?.shape?.dim.map((dimension) => dimension.dimValue);
    const elementType = type?.tensorType?.elemType;
    if (name === undefined) continue;
    tensors.set(name, {
      ...(shape?.every((size) => size !== undefined) ? { shape } : {}),
      ...(elementType === undefined ? {} : { elementType }),
      constant: false,
    });
  }
  for (const tensor of graph.initializer) if (tensor.name !== undefined) tensors.set(tensor.name, stored(tensor));
  return tensors;
}

function stored(tensor: TensorProto): KnownTensor {
  const count = tensor.dims.reduce((product, size) => product * size, 1);
  const isSmall = count <= maximumElements;
  const integers = isSmall ? integerElements(tensor)?.map(Number) : undefined;
  const floats = isSmall ? floatElements(tensor) : undefined;
  return {
    shape: tensor.dims,
    ...(tensor.dataType === undefined ? {} : { elementType: tensor.dataType }),
    constant: true,
    ...(integers?.length === count ? { integers } : {}),
    ...(floats?.length === count ? { floats } : {}),
  };
}

function outputsOf(node: NodeProto, tensors: ReadonlyMap<string, KnownTensor>, opset: number): (KnownTensor | undefined)[] {
  const constant = constantOutput(node);
  if (constant) return [constant];
  const inputs = node.input.map((name) => (name === '' ? undefined : (tensors.get(name) ?? { constant: false })));
  const folds = !/^Random|^Multinomial/.test(node.opType ?? '') && inputs.every((input) => input === undefined || input.constant);
  const type = node.opType ?? '';
  const context = { type, opset, attributes: attributesOf(node), inputs, outputCount: node.output.length };
  const outputs = rules.get(type)?.(context) ?? [];
  const elementType = defaultElementType(node, inputs);
  return node.output.map((_, index) => {
    const output = outputs[index];
    const integers = output?.integers && output.integers.length <= maximumElements ? output.integers : undefined;
    const known = output?.elementType ?? elementType;
    return {
      ...(output?.shape ? { shape: output.shape } : {}),
      ...(known === undefined ? {} : { elementType: known }),
      constant: output?.constant ?? folds,
      ...(integers ? { integers } : {}),
    };
  });
}

function constantOutput(node: NodeProto): KnownTensor | undefined {
  if (node.opType !== 'Constant') return undefined;
  const tensor = tensorAttribute(node, 'value');
  if (tensor) return stored(tensor);
  for (const attribute of node.attribute) {
    if (attribute.name === 'value_int')
      return { shape: [], elementType: 7, constant: true, integers: [Number(attribute.i ?? 0n)] };
    if (attribute.name === 'value_ints')
      return { shape: [attribute.ints.length], elementType: 7, constant: true, integers: attribute.ints.map(Number) };
    if (attribute.name === 'value_float') return { shape: [], elementType: 1, constant: true };
    if (attribute.name === 'value_floats')
      return { shape: [attribute.floats.length], elementType: 1, constant: true, floats: attribute.floats };
  }
  return { constant: true };
}

function defaultElementType(node: NodeProto, inputs: readonly (KnownTensor | undefined)[]): number | undefined {
  if (node.opType === 'ConstantOfShape') return tensorAttribute(node, 'value')?.dataType ?? 1;
  return inputs[0]?.elementType;
}
