// What a graph is to a predictor: the terms of the roofline, in amounts of work, and the descriptors of its residual.
import type { ClassTotals, GraphFeatures, LayerCost, NodeClass } from '../graph/analysis.ts';

const giga = 1e9;
const mega = 1e6;

/** MACs in units of 10⁹, bytes in units of 10⁶: coefficients are then joules per GMAC and per megabyte. */
export const rooflineTerms = [
  'macsDense',
  'macsConv1x1',
  'macsDepthwise',
  'macsGrouped',
  'macsGemm',
  'macsMatmul',
  'bytesDense',
  'bytesDepthwise',
  'bytesProducts',
  'bytesElementwise',
  'bytesNormalization',
  'bytesLayout',
  'weightBytes',
  'nodes',
  'constant',
] as const;
export type RooflineTerm = (typeof rooflineTerms)[number];

/** The kind of work each term belongs to: multiply–adds, activation bytes, weight bytes, nodes, the constant. */
export const rooflineKinds: readonly number[] = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 3, 4];

const macTerms: [RooflineTerm, NodeClass[]][] = [
  ['macsDense', ['conv3x3', 'convOther']],
  ['macsConv1x1', ['conv1x1']],
  ['macsDepthwise', ['depthwise', 'depthwiseLarge']],
  ['macsGrouped', ['grouped']],
  ['macsGemm', ['gemm']],
  ['macsMatmul', ['matmul']],
];

const byteTerms: [RooflineTerm, NodeClass[]][] = [
  ['bytesDense', ['conv1x1', 'conv3x3', 'convOther']],
  ['bytesDepthwise', ['depthwise', 'depthwiseLarge', 'grouped']],
  ['bytesProducts', ['gemm', 'matmul']],
  ['bytesElementwise', ['elementwise', 'activation']],
  ['bytesNormalization', ['normalization', 'softmax', 'reduction']],
  ['bytesLayout', ['layout', 'pool', 'resize']],
];

/** Amounts per inference in the order of `rooflineTerms`; what is paid once per batch is shared by its images. */
export function rooflineAmounts(features: GraphFeatures, batch: number): number[] {
  const { classes } = features;
  const sum = (names: NodeClass[], key: 'macs' | 'bytes') => names.reduce((total, name) => total + classes[name][key], 0);
  const weightBytes = Object.values(classes).reduce((total, { weightBytes }) => total + weightBytes, 0);
  return [
    ...macTerms.map(([, names]) => sum(names, 'macs') / giga),
    ...byteTerms.map(([, names]) => sum(names, 'bytes') / mega),
    weightBytes / mega / batch,
    features.nodes / batch,
    1 / batch,
  ];
}

/** Per roofline term, what one node class contributes: `explain` shares energy out with it. */
export function classAmounts(features: GraphFeatures, name: NodeClass): { term: RooflineTerm; amount: number }[] {
  return amountsOf(name, features.classes[name]);
}

function amountsOf(
  name: NodeClass,
  totals: Pick<ClassTotals, 'nodes' | 'macs' | 'bytes' | 'weightBytes'>,
): { term: RooflineTerm; amount: number }[] {
  const macTerm = macTerms.find(([, names]) => names.includes(name))?.[0];
  const byteTerm = byteTerms.find(([, names]) => names.includes(name))?.[0];
  return [
    ...(macTerm ? [{ term: macTerm, amount: totals.macs / giga }] : []),
    ...(byteTerm ? [{ term: byteTerm, amount: totals.bytes / mega }] : []),
    { term: 'weightBytes', amount: totals.weightBytes / mega },
    ...(name === 'noop' ? [] : [{ term: 'nodes' as const, amount: totals.nodes }]),
  ];
}

/** The same for one node. */
export function layerAmounts({ nodeClass, macs, bytes, weightBytes }: LayerCost): { term: RooflineTerm; amount: number }[] {
  return amountsOf(nodeClass, { nodes: 1, macs, bytes, weightBytes });
}

/** Names of `descriptors`, for the card's feature ranges. */
export const descriptorNames = [
  'logMacs',
  'logActivationBytes',
  'logWeightBytes',
  'logNodes',
  'logLargestActivation',
  'logMacOutputs',
  'logIntensity',
  'logBatch',
  'macShareDense',
  'macShareConv1x1',
  'macShareDepthwise',
  'macShareGrouped',
  'macShareGemm',
  'macShareMatmul',
  'byteShareDense',
  'byteShareDepthwise',
  'byteShareProducts',
  'byteShareElementwise',
  'byteShareNormalization',
  'byteShareLayout',
  'byteShareTranscendental',
  'smallNodeShare',
  'logOccupancy',
  'logMemoryBound',
  'channels',
  'positions',
  'reduction',
] as const;

/** How many of them, from the first, are sizes. */
const sizeDescriptors = 6;
/** Sizes say nearly the same six times over, and efficiency depends on the mix of work more than on its amount: half weight. */
const sizeWeight = 0.5;

/** What one standard deviation of a descriptor counts in distances. */
export const descriptorWeights: readonly number[] = descriptorNames.map((_, index) => (index < sizeDescriptors ? sizeWeight : 1));

/** Log and share features: sizes first, then where the work is, then its shape. */
export function descriptors(features: GraphFeatures, batch: number): number[] {
  const amounts = rooflineAmounts(features, 1);
  const macs = Math.max(features.macs, 1);
  const weightBytes = (amounts[12] ?? 0) * mega;
  const activationBytes = Math.max(features.bytes - weightBytes, 1);
  const macShares = amounts.slice(0, 6).map((amount) => (amount * giga) / macs);
  const byteShares = amounts.slice(6, 12).map((amount) => (amount * mega) / activationBytes);
  return [
    Math.log(macs),
    Math.log(activationBytes),
    Math.log(Math.max(weightBytes, 1)),
    Math.log(Math.max(features.nodes, 1)),
    Math.log(Math.max(features.largestActivationBytes, 1)),
    Math.log(Math.max(features.macOutputs, 1)),
    Math.log(macs / Math.max(features.bytes, 1)),
    Math.log(batch),
    ...macShares,
    ...byteShares,
    features.transcendentalBytes / activationBytes,
    features.smallNodes / Math.max(features.nodes, 1),
    Math.log(Math.max(features.occupancy.t32, macs) / macs),
    Math.log(Math.max(features.roofline.b8, 1) / Math.max(features.bytes, 1)),
    features.weightedLog.channels,
    features.weightedLog.positions,
    features.weightedLog.reduction,
  ];
}
