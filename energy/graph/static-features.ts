// Features of a graph without running it.
import type { GraphProto } from '../onnx/messages.ts';
import type { GraphFeatures } from './analysis.ts';
import { featuresOf } from './features.ts';
import type { KnownTensor } from './inference/tensor.ts';
import { bytesOf, type Operation } from './operation.ts';
import { operationsOf } from './operations.ts';
import { fuseStatically } from './static-fusion.ts';
import { countParameters } from './stored-totals.ts';

/** The nodes after fusion, in execution order. */
export function staticOperations(graph: GraphProto, tensors: ReadonlyMap<string, KnownTensor>): Operation[] {
  const { operations } = operationsOf(fuseStatically(graph, tensors), (name) => {
    const tensor = tensors.get(name);
    return tensor?.shape ? { shape: tensor.shape, elementType: tensor.elementType, constant: tensor.constant } : undefined;
  });
  return operations;
}

/** `tensors` as inferred for this graph; tensors without a shape count nothing. */
export function staticFeatures(graph: GraphProto, tensors: ReadonlyMap<string, KnownTensor>): GraphFeatures {
  const operations = staticOperations(graph, tensors);
  return featuresOf(operations, { parameters: countParameters(graph, tensors), initializerBytes: constantBytes(operations) });
}

/** Of the constants that the fused graph still reads. */
function constantBytes(operations: readonly Operation[]): number {
  const constants = new Map<string, number>();
  for (const { inputs } of operations)
    for (const tensor of inputs) if (tensor?.constant) constants.set(tensor.name, bytesOf(tensor));
  return [...constants.values()].reduce((sum, bytes) => sum + bytes, 0);
}
