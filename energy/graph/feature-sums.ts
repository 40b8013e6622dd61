// The sums over nodes that make up a graph's features. What a node adds does not depend on the others, so equal nodes may be added at once.
import { type ClassTotals, type GraphFeatures, type NodeClass, nodeClasses } from './analysis.ts';
import { costOf, type NodeCost } from './cost.ts';
import { isTranscendental } from './node-class.ts';
import { bytesOf, type Operation, stringAttribute } from './operation.ts';

/** A node with fewer outputs than this spends most of its time on overhead. */
const smallOutputElements = 4096;
/** Outputs that fill a GPU once are counted in this unit. */
const occupancyUnit = 1024;

/** Sums of nothing. Until `finishedFeatures`, `weightedLog` holds sums weighted by MACs, not yet means. */
export function emptyFeatures(): GraphFeatures {
  return {
    classes: Object.fromEntries(nodeClasses.map((name) => [name, emptyTotals()])) as Record<NodeClass, ClassTotals>,
    macs: 0,
    bytes: 0,
    parameters: 0,
    peakActivationBytes: 0,
    initializerBytes: 0,
    nodes: 0,
    depth: 0,
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
}

function emptyTotals(): ClassTotals {
  return { nodes: 0, macs: 0, bytes: 0, weightBytes: 0, outputElements: 0 };
}

/** Adds `times` equal nodes. */
export function addOperation(features: GraphFeatures, operation: Operation, times = 1): void {
  const cost = costOf(operation);
  const { nodeClass, macs, bytes, weightBytes, outputElements } = cost;
  const totals = features.classes[nodeClass];
  totals.nodes += times;
  totals.macs += times * macs;
  totals.bytes += times * bytes;
  totals.weightBytes += times * weightBytes;
  totals.outputElements += times * outputElements;
  for (const output of operation.outputs)
    features.largestActivationBytes = Math.max(features.largestActivationBytes, bytesOf(output));
  if (nodeClass === 'noop') return;
  features.nodes += times;
  features.macs += times * macs;
  const allBytes = bytes + weightBytes;
  features.bytes += times * allBytes;
  features.roofline.b2 += times * Math.max(macs / 2, allBytes);
  features.roofline.b8 += times * Math.max(macs / 8, allBytes);
  features.roofline.b32 += times * Math.max(macs / 32, allBytes);
  if (outputElements < smallOutputElements) features.smallNodes += times;
  if (isTranscendental(operation)) {
    features.transcendentalBytes += times * bytes;
    features.transcendentalNodes += times;
  }
  if (stringAttribute(operation, 'activation', '') !== '') features.fusedActivations += times;
  if (macs > 0) addArithmetic(features, cost, times);
}

function addArithmetic(features: GraphFeatures, cost: NodeCost, times: number): void {
  const { nodeClass, macs, outputElements, channels, reduction } = cost;
  const inflated = (unit: number) => times * macs * Math.max(1, (occupancyUnit * unit) / Math.max(1, outputElements));
  features.occupancy.t8 += inflated(8);
  features.occupancy.t32 += inflated(32);
  features.occupancy.t128 += inflated(128);
  features.weightedLog.channels += times * macs * log2(channels);
  features.weightedLog.positions += times * macs * log2(outputElements / Math.max(1, channels));
  features.weightedLog.reduction += times * macs * log2(reduction);
  if (nodeClass !== 'matmul') features.macOutputs += times * outputElements;
}

function log2(value: number): number {
  return Math.log2(Math.max(1, value));
}

/** What is no sum over nodes. */
export type WholeGraph = Pick<GraphFeatures, 'parameters' | 'initializerBytes' | 'peakActivationBytes' | 'depth'>;

/** The means from their sums, rounded so that the order of nodes, and with it the order of additions, does not show. */
export function finishedFeatures(sums: GraphFeatures, whole: WholeGraph): GraphFeatures {
  const mean = (sum: number) => (sums.macs > 0 ? Number((sum / sums.macs).toPrecision(12)) : 0);
  const { channels, positions, reduction } = sums.weightedLog;
  return {
    ...sums,
    ...whole,
    weightedLog: { channels: mean(channels), positions: mean(positions), reduction: mean(reduction) },
  };
}
