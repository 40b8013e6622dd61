// From the nodes of a graph in execution order to the sums that predictors read. Pure: no weights' values, no time, no host.
import { type ClassTotals, type GraphFeatures, type LayerCost, type NodeClass, nodeClasses } from './analysis.ts';
import { costOf, type NodeCost } from './cost.ts';
import { isTranscendental } from './node-class.ts';
import { bytesOf, type Operation, stringAttribute, type TensorFact } from './operation.ts';

/** A node with fewer outputs than this spends most of its time on overhead. */
const smallOutputElements = 4096;
/** Outputs that fill a GPU once are counted in this unit. */
const occupancyUnit = 1024;

export interface StoredTotals {
  /** Elements of the weights in the file, without running statistics. */
  parameters: number;
  /** Bytes of all constants after fusion. */
  initializerBytes: number;
}

export function featuresOf(operations: readonly Operation[], stored: StoredTotals): GraphFeatures {
  const features: GraphFeatures = {
    classes: Object.fromEntries(nodeClasses.map((name) => [name, emptyTotals()])) as Record<NodeClass, ClassTotals>,
    macs: 0,
    bytes: 0,
    parameters: stored.parameters,
    peakActivationBytes: peakActivationBytes(operations),
    initializerBytes: stored.initializerBytes,
    nodes: 0,
    depth: depthOf(operations),
    largestActivationBytes: 0,
    transcendentalBytes: 0,
    transcendentalNodes: 0,
    fusedActivations: 0,
    smallNodes: 0,
    roofline: { b2: 0, b8: 0, b32: 0 },
    occupancy: { t8: 0, t32: 0, t128: 0 },
    weightedLog: { channels: 0, positions: 0, reduction: 0 },
    macOutputs: 0,
  };
  for (const operation of operations) add(features, operation, costOf(operation));
  // Rounded, so that the order of nodes, and with it the order of additions, does not show.
  const { weightedLog } = features;
  for (const key of ['channels', 'positions', 'reduction'] as const)
    weightedLog[key] = features.macs > 0 ? Number((weightedLog[key] / features.macs).toPrecision(12)) : 0;
  return features;
}

/** The nodes behind `featuresOf`'s sums: added up, they give them. */
export function layersOf(operations: readonly Operation[]): LayerCost[] {
  return operations.flatMap((operation) => {
    const { nodeClass, macs, bytes, weightBytes } = costOf(operation);
    return nodeClass === 'noop' ? [] : [{ name: operation.name, operator: operation.type, nodeClass, macs, bytes, weightBytes }];
  });
}

function emptyTotals(): ClassTotals {
  return { nodes: 0, macs: 0, bytes: 0, weightBytes: 0, outputElements: 0 };
}

function add(features: GraphFeatures, operation: Operation, cost: NodeCost): void {
  const { nodeClass, macs, bytes, weightBytes, outputElements } = cost;
  const totals = features.classes[nodeClass];
  totals.nodes += 1;
  totals.macs += macs;
  totals.bytes += bytes;
  totals.weightBytes += weightBytes;
  totals.outputElements += outputElements;
  for (const output of operation.outputs)
    features.largestActivationBytes = Math.max(features.largestActivationBytes, bytesOf(output));
  if (nodeClass === 'noop') return;
  features.nodes += 1;
  features.macs += macs;
  const allBytes = bytes + weightBytes;
  features.bytes += allBytes;
  features.roofline.b2 += Math.max(macs / 2, allBytes);
  features.roofline.b8 += Math.max(macs / 8, allBytes);
  features.roofline.b32 += Math.max(macs / 32, allBytes);
  if (outputElements < smallOutputElements) features.smallNodes += 1;
  if (isTranscendental(operation)) {
    features.transcendentalBytes += bytes;
    features.transcendentalNodes += 1;
  }
  if (stringAttribute(operation, 'activation', '') !== '') features.fusedActivations += 1;
  if (macs > 0) addArithmetic(features, cost);
}

function addArithmetic(features: GraphFeatures, { nodeClass, macs, outputElements, channels, reduction }: NodeCost): void {
  const inflated = (unit: number) => macs * Math.max(1, (occupancyUnit * unit) / Math.max(1, outputElements));
  features.occupancy.t8 += inflated(8);
  features.occupancy.t32 += inflated(32);
  features.occupancy.t128 += inflated(128);
  features.weightedLog.channels += macs * log2(channels);
  features.weightedLog.positions += macs * log2(outputElements / Math.max(1, channels));
  features.weightedLog.reduction += macs * log2(reduction);
  if (nodeClass !== 'matmul') features.macOutputs += outputElements;
}

function log2(value: number): number {
  return Math.log2(Math.max(1, value));
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
