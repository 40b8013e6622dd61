// Which node class an operator belongs to: the vocabulary that the predictors' tables were made with.
import type { NodeClass } from './analysis.ts';
import { elementsOf, integerAttribute, integersAttribute, type Operation, type TensorFact } from './operation.ts';

const byOperator = new Map<string, NodeClass>();

function declare(nodeClass: NodeClass, operators: string): void {
  for (const operator of operators.trim().split(/\s+/)) byOperator.set(operator, nodeClass);
}

declare(
  'activation',
  `Relu LeakyRelu PRelu Clip Sigmoid HardSigmoid HardSwish Tanh Gelu FastGelu QuickGelu BiasGelu Erf Elu Selu Celu Softplus
   Softsign Mish ThresholdedRelu Swish Shrink BiasSplitGelu QLinearSigmoid QLinearLeakyRelu`,
);
declare(
  'normalization',
  `BatchNormalization LayerNormalization SimplifiedLayerNormalization SkipLayerNormalization SkipSimplifiedLayerNormalization
   InstanceNormalization GroupNormalization GroupNorm SkipGroupNorm LRN LpNormalization MeanVarianceNormalization
   RMSNormalization EmbedLayerNormalization`,
);
declare(
  'reduction',
  `ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare
   GlobalAveragePool GlobalMaxPool GlobalLpPool QLinearGlobalAveragePool QLinearReduceMean ArgMax ArgMin TopK CumSum`,
);
declare('pool', 'MaxPool AveragePool LpPool QLinearAveragePool NhwcMaxPool MaxUnpool RoiAlign MaxRoiPool');
declare('softmax', 'Softmax LogSoftmax Hardmax QLinearSoftmax');
declare('resize', 'Resize Upsample GridSample AffineGrid');
declare(
  'layout',
  `Transpose Concat Slice Pad Split Gather GatherND GatherElements Scatter ScatterND ScatterElements Expand Tile DepthToSpace
   SpaceToDepth Col2Im ReverseSequence NonZero OneHot Range ConstantOfShape Compress Unique Trilu EyeLike QLinearConcat
   SplitToSequence SequenceAt ConcatFromSequence ReorderInput ReorderOutput`,
);
declare('noop', 'Reshape Squeeze Unsqueeze Flatten Identity Dropout Shape Size Constant');

const convolutions = new Set([
  'Conv',
  'FusedConv',
  'ConvInteger',
  'QLinearConv',
  'NhwcFusedConv',
  'ConvTranspose',
  'QLinearConvTranspose',
]);
const products = new Set([
  'Gemm',
  'FusedGemm',
  'QGemm',
  'MatMul',
  'FusedMatMul',
  'FusedMatMulActivation',
  'QLinearMatMul',
  'MatMulInteger',
  'MatMulIntegerToFloat',
  'DynamicQuantizeMatMul',
  'MatMulNBits',
  'Einsum',
]);
const recurrent = new Set(['LSTM', 'GRU', 'RNN', 'DynamicQuantizeLSTM']);
const attention = new Set(['Attention', 'MultiHeadAttention', 'QAttention', 'GroupQueryAttention']);

/** What exponentials and the like cost on a small core shows in energy, so their bytes are summed apart. HardSigmoid counts: the tables count it. */
const transcendental = new Set(
  `Sigmoid HardSigmoid HardSwish Tanh Gelu FastGelu QuickGelu BiasGelu Erf Elu Selu Celu Softplus Mish Swish Exp Log
   QLinearSigmoid`.split(/\s+/),
);

export function isConvolution(operation: Operation): boolean {
  return convolutions.has(operation.type);
}

export function isTransposedConvolution(operation: Operation): boolean {
  return operation.type === 'ConvTranspose' || operation.type === 'QLinearConvTranspose';
}

export function isRecurrent(operation: Operation): boolean {
  return recurrent.has(operation.type);
}

export function isAttention(operation: Operation): boolean {
  return attention.has(operation.type);
}

export function isTranscendental(operation: Operation): boolean {
  return transcendental.has(operation.type);
}

/** The weight of a convolution: quantised forms carry scales between the data and the weight. */
export function convolutionWeight(operation: Operation): TensorFact | undefined {
  const position = operation.type.startsWith('QLinear') ? 3 : 1;
  return operation.inputs[position];
}

/** The two factors of a matrix product; quantised forms carry scales between them. */
export function productFactors(operation: Operation): [TensorFact | undefined, TensorFact | undefined] {
  const second = operation.type === 'QLinearMatMul' || operation.type === 'QGemm' ? 3 : 1;
  return [operation.inputs[0], operation.inputs[second]];
}

/** An operator without an entry reads and writes memory: element-wise. */
export function classify(operation: Operation): NodeClass {
  if (isConvolution(operation)) return classifyConvolution(operation);
  if (products.has(operation.type)) return productFactors(operation).some((factor) => factor?.constant) ? 'gemm' : 'matmul';
  if (isRecurrent(operation)) return 'gemm';
  if (isAttention(operation)) return 'matmul';
  return byOperator.get(operation.type) ?? 'elementwise';
}

function classifyConvolution(operation: Operation): NodeClass {
  const shape = convolutionWeight(operation)?.shape ?? [];
  const kernel = shape.slice(2);
  const group = integerAttribute(operation, 'group', 1);
  if (group > 1) {
    const channels = isTransposedConvolution(operation) ? (shape[0] ?? 0) : group * (shape[1] ?? 0);
    if (group !== channels) return 'grouped';
    return Math.max(...kernel, 0) > 3 ? 'depthwiseLarge' : 'depthwise';
  }
  if (elementsOf(kernel) === 1) return 'conv1x1';
  const strides = integersAttribute(operation, 'strides') ?? [];
  const isSquareThree = kernel.length === 2 && kernel.every((side) => side === 3);
  return isSquareThree && strides.every((stride) => stride === 1) && !isTransposedConvolution(operation)
    ? 'conv3x3'
    : 'convOther';
}
