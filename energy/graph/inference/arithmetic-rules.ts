// Shapes of products, reductions, element-wise operators and what keeps its input's shape.
import { broadcast, integer, integersOf, type Rule, type RuleContext, type Shape, shapeAt, wrapAxis } from './context.ts';

const product =
  (second: number): Rule =>
  (context) => {
    const left = shapeAt(context, 0);
    const right = shapeAt(context, second);
    if (!left || !right || left.length === 0 || right.length === 0) return [];
    const rows = left.length === 1 ? [] : [left[left.length - (integer(context, 'transA', 0) ? 1 : 2)] ?? 0];
    const columns = right.length === 1 ? [] : [right[right.length - (integer(context, 'transB', 0) ? 2 : 1)] ?? 0];
    const batch = broadcast([left.slice(0, -2), right.slice(0, -2)]);
    return batch ? [{ shape: [...batch, ...rows, ...columns] }] : [];
  };

const einsum: Rule = (context) => {
  const equation = context.attributes.get('equation');
  if (typeof equation !== 'string' || equation.includes('...')) return [];
  const [left = '', right] = equation.replaceAll(/\s/g, '').split('->');
  if (right === undefined) return [];
  const sizes = new Map<string, number>();
  for (const [position, term] of left.split(',').entries())
    for (const [index, letter] of term.split('').entries()) sizes.set(letter, shapeAt(context, position)?.[index] ?? 0);
  return [{ shape: right.split('').map((letter) => sizes.get(letter) ?? 0) }];
};

const reduce: Rule = (context) => {
  const input = shapeAt(context, 0);
  if (!input) return [];
  const listed = integersOf(context, 'axes', 1);
  if (!listed && context.inputs[1]) return [];
  if (!listed && integer(context, 'noop_with_empty_axes', 0)) return [{ shape: input }];
  return [{ shape: dropAxes(input, listed ?? input.map((_, index) => index), integer(context, 'keepdims', 1) === 1) }];
};

const argument: Rule = (context) => {
  const input = shapeAt(context, 0);
  if (!input) return [];
  return [{ shape: dropAxes(input, [integer(context, 'axis', 0)], integer(context, 'keepdims', 1) === 1), elementType: 7 }];
};

function dropAxes(input: Shape, listed: readonly number[], keeps: boolean): Shape {
  const axes = new Set(listed.map((axis) => wrapAxis(axis, input.length)));
  return input.flatMap((size, index) => (axes.has(index) ? (keeps ? [1] : []) : [size]));
}

const topK: Rule = (context) => {
  const input = shapeAt(context, 0);
  const count = integersOf(context, 'k', 1)?.[0];
  if (!input || count === undefined) return [];
  const axis = wrapAxis(integer(context, 'axis', -1), input.length);
  const shape = input.map((size, index) => (index === axis ? count : size));
  return [{ shape }, { shape, elementType: 7 }];
};

const integerOperators: Readonly<Record<string, (left: number, right: number) => number>> = {
  Add: (left, right) => left + right,
  Sub: (left, right) => left - right,
  Mul: (left, right) => left * right,
  Div: (left, right) => (right === 0 ? 0 : Math.trunc(left / right)),
  Mod: (left, right) => (right === 0 ? 0 : left % right),
  Min: Math.min,
  Max: Math.max,
};

const elementwise: Rule = (context) => {
  const shapes = context.inputs.map((input) => input?.shape);
  if (shapes.length === 0 || shapes.some((shape) => shape === undefined)) return [];
  const shape = broadcast(shapes as Shape[]);
  if (!shape) return [];
  const values = integerResult(context);
  return [{ shape, ...(values ? { integers: values } : {}) }];
};

function integerResult(context: RuleContext): number[] | undefined {
  const operator = integerOperators[context.type];
  const [left, right] = context.inputs.map((input) => input?.integers);
  if (!operator || !left || !right || context.inputs.length !== 2) return undefined;
  const length = Math.max(left.length, right.length);
  if ([left, right].some((side) => side.length !== length && side.length !== 1)) return undefined;
  const pick = (side: readonly number[], index: number) => (side.length === 1 ? side[0] : side[index]) ?? 0;
  return Array.from({ length }, (_, index) => operator(pick(left, index), pick(right, index)));
}

const comparison: Rule = (context) => elementwise(context).map((output) => ({ ...output, elementType: 9 }));

const choice: Rule = (context) =>
  elementwise(context).map((output) => {
    const elementType = context.inputs[1]?.elementType;
    return { ...output, ...(elementType === undefined ? {} : { elementType }) };
  });

const cast: Rule = (context) => {
  const input = context.inputs[0];
  if (!input) return [];
  const { shape, integers } = input;
  return [{ ...(shape ? { shape } : {}), ...(integers ? { integers } : {}), elementType: integer(context, 'to', 1) }];
};

const recurrent: Rule = (context) => {
  const [steps, batch] = shapeAt(context, 0) ?? [];
  const hidden = integer(context, 'hidden_size', 0);
  const directions = context.attributes.get('direction') === 'bidirectional' ? 2 : 1;
  if (steps === undefined || batch === undefined) return [];
  const state = { shape: [directions, batch, hidden] };
  return [{ shape: [steps, directions, batch, hidden] }, state, state];
};

const quantize: Rule = (context) => {
  const shape = shapeAt(context, 0);
  return shape ? [{ shape, elementType: context.inputs[2]?.elementType ?? 2 }] : [];
};

const dequantize: Rule = (context) => {
  const shape = shapeAt(context, 0);
  return shape ? [{ shape, elementType: context.inputs[1]?.elementType ?? 1 }] : [];
};

/** Same shape and type as the first input: activations, normalisations, softmax, rounding. */
export const keepsShape: Rule = (context) => {
  const shape = shapeAt(context, 0);
  return shape ? [{ shape }] : [];
};

/** Passes its value on too: exporters name a shape that several nodes share by way of an Identity. */
const identity: Rule = (context) => {
  const [input] = context.inputs;
  if (!input?.shape) return [];
  return [{ shape: input.shape, ...(input.integers ? { integers: input.integers } : {}) }];
};

const table: [Rule, string][] = [
  [product(1), 'Gemm FusedGemm MatMul FusedMatMul MatMulInteger DynamicQuantizeMatMul MatMulIntegerToFloat'],
  [product(3), 'QLinearMatMul QGemm'],
  [einsum, 'Einsum'],
  [reduce, 'ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare'],
  [argument, 'ArgMax ArgMin'],
  [topK, 'TopK'],
  [elementwise, 'Add Sub Mul Div Mod Min Max Sum Mean Pow PRelu BiasGelu BitShift And Or Xor'],
  [comparison, 'Equal Greater GreaterOrEqual Less LessOrEqual'],
  [choice, 'Where'],
  [cast, 'Cast'],
  [identity, 'Identity'],
  [recurrent, 'LSTM GRU RNN'],
  [quantize, 'QuantizeLinear'],
  [dequantize, 'DequantizeLinear'],
  [
    keepsShape,
    `Relu LeakyRelu Clip Sigmoid HardSigmoid HardSwish Tanh Gelu FastGelu QuickGelu Erf Elu Selu Celu Softplus Softsign Mish
     ThresholdedRelu Swish Softmax LogSoftmax Hardmax BatchNormalization LayerNormalization SimplifiedLayerNormalization
     SkipLayerNormalization InstanceNormalization GroupNormalization LRN LpNormalization MeanVarianceNormalization
     RMSNormalization Dropout Abs Neg Exp Log Sqrt Reciprocal Floor Ceil Round Sign Sin Cos Tan Not CumSum Trilu
     ScatterND ScatterElements`,
  ],
];

export const arithmeticRules: Readonly<Record<string, Rule>> = Object.fromEntries(
  table.flatMap(([rule, operators]) => operators.split(/\s+/).map((operator) => [operator, rule] as const)),
);
