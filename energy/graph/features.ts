// From the nodes of a graph in execution order to the sums that predictors read. Pure: no weights' values, no time, no host.
import type { GraphFeatures, LayerCost } from './analysis.ts';
import { costOf } from './cost.ts';
import { addOperation, emptyFeatures, finishedFeatures } from './feature-sums.ts';
import { bytesOf, type Operation, type TensorFact } from './operation.ts';

export interface StoredTotals {
  /** Elements of the weights in the file, without running statistics. */
  parameters: number;
  /** Bytes of all constants after fusion. */
  initializerBytes: number;
}

export function featuresOf(operations: readonly Operation[], stored: StoredTotals): GraphFeatures {
  const features = emptyFeatures();
  for (const operation of operations) addOperation(features, operation);
  return finishedFeatures(features, {
    ...stored,
    peakActivationBytes: peakActivationBytes(operations),
    depth: depthOf(operations),
  });
}

/** The nodes behind `featuresOf`'s sums: added up, they give them. */
export function layersOf(operations: readonly Operation[]): LayerCost[] {
  return operations.flatMap((operation) => {
    const { nodeClass, macs, bytes, weightBytes } = costOf(operation);
    return nodeClass === 'noop' ? [] : [{ name: operation.name, operator: operation.type, nodeClass, macs, bytes, weightBytes }];
  });
}

/** Activations alive at once, each from its producer to its last reader. */
function peakActivationBytes(operations: readonly Operation[]): number {
  const lastUse = new Map<string, number>();
  for (const [index, operation] of operations.entries())
    for (const tensor of activationsOf(operation)) lastUse.set(tensor.name, index);
  const alive = new Map<string, number>();
  let live = 0;
  let peak = 0;
  for (const [index, operation] of operations.entries()) {
    for (const tensor of [...activationsOf(operation), ...operation.outputs]) {
      if (alive.has(tensor.name)) continue;
      alive.set(tensor.name, bytesOf(tensor));
      live += bytesOf(tensor);
    }
    peak = Math.max(peak, live);
    for (const { name } of activationsOf(operation)) {
      if (lastUse.get(name) !== index) continue;
      live -= alive.get(name) ?? 0;
      alive.delete(name);
    }
  }
  return peak;
}

function activationsOf(operation: Operation): TensorFact[] {
  return operation.inputs.flatMap((tensor) => (tensor && !tensor.constant ? [tensor] : []));
}

/** Nodes on the longest path. */
function depthOf(operations: readonly Operation[]): number {
  const depths = new Map<string, number>();
  let deepest = 0;
  for (const operation of operations) {
    let depth = 0;
    for (const tensor of operation.inputs) if (tensor) depth = Math.max(depth, depths.get(tensor.name) ?? 0);
    depth += 1;
    for (const tensor of operation.outputs) depths.set(tensor.name, depth);
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}
