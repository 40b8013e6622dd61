// Shapes of what slides a window: convolutions and pools.
import { integer, integers, type Rule, type RuleContext, type Shape, shapeAt } from './context.ts';

interface Window {
  kernel: Shape;
  strides: Shape;
  dilations: Shape;
  /** Begin and end of each dimension added up. */
  padding: Shape;
  automatic: string;
  ceil: boolean;
}

function windowOf(context: RuleContext, kernel: Shape): Window {
  const ones = kernel.map(() => 1);
  const pads = integers(context, 'pads') ?? [];
  const automatic = context.attributes.get('auto_pad');
  return {
    kernel,
    strides: integers(context, 'strides') ?? ones,
    dilations: integers(context, 'dilations') ?? ones,
    padding: kernel.map((_, index) => (pads[index] ?? 0) + (pads[index + kernel.length] ?? 0)),
    automatic: typeof automatic === 'string' ? automatic : 'NOTSET',
    ceil: integer(context, 'ceil_mode', 0) === 1,
  };
}

function slide(size: number, index: number, window: Window): number {
  const stride = window.strides[index] ?? 1;
  if (window.automatic.startsWith('SAME')) return Math.ceil(size / stride);
  const padding = window.automatic === 'VALID' ? 0 : (window.padding[index] ?? 0);
  const reach = (window.dilations[index] ?? 1) * ((window.kernel[index] ?? 1) - 1) + 1;
  const steps = (size + padding - reach) / stride;
  return (window.ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
}

const convolution =
  (weightPosition: number): Rule =>
  (context) => {
    const input = shapeAt(context, 0);
    const weight = shapeAt(context, weightPosition);
    if (!input || !weight) return [];
    const window = windowOf(context, weight.slice(2));
    const spatial = input.slice(2).map((size, index) => slide(size, index, window));
    return [{ shape: [input[0] ?? 1, weight[0] ?? 0, ...spatial] }];
  };

const transposedConvolution: Rule = (context) => {
  const input = shapeAt(context, 0);
  const weight = shapeAt(context, 1);
  if (!input || !weight) return [];
  const window = windowOf(context, weight.slice(2));
  const given = integers(context, 'output_shape');
  const extra = integers(context, 'output_padding') ?? [];
  const spatial = input.slice(2).map((size, index) => {
    const stride = window.strides[index] ?? 1;
    if (given) return given[given.length - window.kernel.length + index] ?? 0;
    if (window.automatic.startsWith('SAME')) return size * stride;
    const reach = (window.dilations[index] ?? 1) * ((window.kernel[index] ?? 1) - 1) + 1;
    return stride * (size - 1) + (extra[index] ?? 0) + reach - (window.padding[index] ?? 0);
  });
  return [{ shape: [input[0] ?? 1, (weight[1] ?? 0) * integer(context, 'group', 1), ...spatial] }];
};

const pool: Rule = (context) => {
  const input = shapeAt(context, 0);
  if (!input) return [];
  const window = windowOf(context, integers(context, 'kernel_shape') ?? []);
  const shape = [...input.slice(0, 2), ...input.slice(2).map((size, index) => slide(size, index, window))];
  return Array.from({ length: context.outputCount }, (_, index) => ({ shape, ...(index === 1 ? { elementType: 7 } : {}) }));
};

const globalPool: Rule = (context) => {
  const input = shapeAt(context, 0);
  return input ? [{ shape: [...input.slice(0, 2), ...input.slice(2).map(() => 1)] }] : [];
};

export const windowRules: Readonly<Record<string, Rule>> = {
  Conv: convolution(1),
  FusedConv: convolution(1),
  ConvInteger: convolution(1),
  QLinearConv: convolution(3),
  ConvTranspose: transposedConvolution,
  MaxPool: pool,
  AveragePool: pool,
  LpPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  QLinearGlobalAveragePool: globalPool,
};
