// Shapes of what moves data, and the small integer arithmetic that exporters write shapes with.
import { elementsOf } from '../operation.ts';
import {
  broadcast,
  integer,
  integers,
  integersAt,
  integersOf,
  type Rule,
  type RuleContext,
  type Shape,
  shapeAt,
  wrapAxis,
} from './context.ts';

const reshape: Rule = (context) => {
  const input = shapeAt(context, 0);
  const wanted = integersOf(context, 'shape', 1);
  if (!input || !wanted) return [];
  const keepsZero = integer(context, 'allowzero', 0) === 1;
  const shape = wanted.map((size, index) => (size === 0 && !keepsZero ? (input[index] ?? 0) : size));
  const known = shape.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const rest = known > 0 ? elementsOf(input) / known : 0;
  const values = context.inputs[0]?.integers;
  return [{ shape: shape.map((size) => (size === -1 ? rest : size)), ...(values ? { integers: values } : {}) }];
};

const flatten: Rule = (context) => {
  const input = shapeAt(context, 0);
  if (!input) return [];
  const axis = wrapAxis(integer(context, 'axis', 1), input.length);
  return [{ shape: [elementsOf(input.slice(0, axis)), elementsOf(input.slice(axis))] }];
};

const squeeze: Rule = (context) => {
  const input = shapeAt(context, 0);
  if (!input) return [];
  const axes = integersOf(context, 'axes', 1)?.map((axis) => wrapAxis(axis, input.length));
  const shape = input.filter((size, index) => (axes ? !axes.includes(index) : size !== 1));
  const values = context.inputs[0]?.integers;
  return [{ shape, ...(values ? { integers: values } : {}) }];
};

const unsqueeze: Rule = (context) => {
  const input = shapeAt(context, 0);
  const axes = integersOf(context, 'axes', 1);
  if (!input || !axes) return [];
  const rank = input.length + axes.length;
  const added = new Set(axes.map((axis) => wrapAxis(axis, rank)));
  const rest = [...input];
  const shape = Array.from({ length: rank }, (_, index) => (added.has(index) ? 1 : (rest.shift() ?? 1)));
  const values = context.inputs[0]?.integers;
  return [{ shape, ...(values ? { integers: values } : {}) }];
};

const transpose: Rule = (context) => {
  const input = shapeAt(context, 0);
  if (!input) return [];
  const order = integers(context, 'perm') ?? input.map((_, index) => input.length - 1 - index);
  return [{ shape: order.map((axis) => input[axis] ?? 0) }];
};

const concat: Rule = (context) => {
  const shapes = context.inputs.map((input) => input?.shape);
  const first = shapes[0];
  if (!first || shapes.some((shape) => shape === undefined)) return [];
  const axis = wrapAxis(integer(context, 'axis', 0), first.length);
  const total = shapes.reduce((sum, shape) => sum + (shape?.[axis] ?? 0), 0);
  const parts = context.inputs.map((input) => input?.integers);
  const values = first.length === 1 && parts.every((part) => part !== undefined) ? parts.flat() : undefined;
  return [
    { shape: first.map((size, index) => (index === axis ? total : size)), ...(values ? { integers: values as number[] } : {}) },
  ];
};

const split: Rule = (context) => {
  const input = shapeAt(context, 0);
  if (!input) return [];
  const axis = wrapAxis(integer(context, 'axis', 0), input.length);
  const size = input[axis] ?? 0;
  const chunk = Math.ceil(size / context.outputCount);
  const given = integersOf(context, 'split', 1);
  return Array.from({ length: context.outputCount }, (_, index) => {
    const part = given?.[index] ?? Math.max(0, Math.min(chunk, size - chunk * index));
    return { shape: input.map((whole, dimension) => (dimension === axis ? part : whole)) };
  });
};

const slice: Rule = (context) => {
  const input = shapeAt(context, 0);
  const starts = integersOf(context, 'starts', 1);
  const ends = integersOf(context, 'ends', 2);
  if (!input || !starts || !ends) return [];
  const axes = integersOf(context, 'axes', 3) ?? starts.map((_, index) => index);
  const steps = integersAt(context, 4) ?? starts.map(() => 1);
  const shape = [...input];
  let values = context.inputs[0]?.integers;
  for (const [index, rawAxis] of axes.entries()) {
    const axis = wrapAxis(rawAxis, input.length);
    const size = input[axis] ?? 0;
    const step = steps[index] ?? 1;
    const clamp = (position: number) =>
      Math.min(Math.max(position < 0 ? position + size : position, step < 0 ? -1 : 0), step < 0 ? size - 1 : size);
    const start = clamp(starts[index] ?? 0);
    const end = clamp(ends[index] ?? size);
    shape[axis] = Math.max(0, Math.ceil((end - start) / step));
    values =
      values && input.length === 1 && step > 0 ? values.slice(start, end).filter((_, offset) => offset % step === 0) : undefined;
  }
  return [{ shape, ...(values ? { integers: values } : {}) }];
};

const gather: Rule = (context) => {
  const data = shapeAt(context, 0);
  const indices = shapeAt(context, 1);
  if (!data || !indices) return [];
  const axis = wrapAxis(integer(context, 'axis', 0), data.length);
  const values = context.inputs[0]?.integers;
  const positions = integersAt(context, 1);
  const picked =
    values && positions && data.length === 1 ? positions.map((at) => values[wrapAxis(at, values.length)] ?? 0) : undefined;
  return [{ shape: [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)], ...(picked ? { integers: picked } : {}) }];
};

const shapeOf: Rule = (context) => {
  const input = shapeAt(context, 0);
  if (!input) return [];
  const start = wrapAxis(integer(context, 'start', 0), input.length);
  const values = input.slice(start, wrapAxis(integer(context, 'end', input.length), input.length));
  // A shape that is known is a constant, whatever the data: runtimes fold it.
  return [{ shape: [values.length], elementType: 7, integers: values, constant: true }];
};

const pad: Rule = (context) => {
  const input = shapeAt(context, 0);
  const pads = integersOf(context, 'pads', 1);
  if (!input || !pads) return [];
  const axes = integersAt(context, 3)?.map((axis) => wrapAxis(axis, input.length)) ?? input.map((_, index) => index);
  const shape = [...input];
  for (const [index, axis] of axes.entries())
    shape[axis] = (shape[axis] ?? 0) + (pads[index] ?? 0) + (pads[index + axes.length] ?? 0);
  return [{ shape }];
};

const expand: Rule = (context) => {
  const input = shapeAt(context, 0);
  const wanted = integersAt(context, 1);
  const shape = input && wanted ? broadcast([input, wanted]) : undefined;
  return shape ? [{ shape }] : [];
};

const tile: Rule = (context) => {
  const input = shapeAt(context, 0);
  const repeats = integersAt(context, 1);
  return input && repeats ? [{ shape: input.map((size, index) => size * (repeats[index] ?? 1)) }] : [];
};

const constantOfShape: Rule = (context) => {
  const shape = integersAt(context, 0);
  return shape ? [{ shape }] : [];
};

const range: Rule = (context) => {
  const [start, limit, step] = [0, 1, 2].map((position) => integersAt(context, position)?.[0]);
  if (start === undefined || limit === undefined || !step) return [];
  return [{ shape: [Math.max(0, Math.ceil((limit - start) / step))] }];
};

/** Sizes, or scales rounded down; from opset 18 on perhaps of some axes only. Before opset 11 there was no region of interest. */
const resize: Rule = (context) => {
  const input = shapeAt(context, 0);
  if (!input) return [];
  const axes = integers(context, 'axes')?.map((axis) => wrapAxis(axis, input.length)) ?? input.map((_, axis) => axis);
  const isEarly = context.type === 'Upsample' || context.opset < 11;
  const sizes = isEarly ? undefined : integersAt(context, 3);
  const scales = context.inputs[isEarly ? 1 : 2]?.floats;
  const shape = [...input];
  if (sizes?.length === axes.length) {
    const policy = context.attributes.get('keep_aspect_ratio_policy') ?? 'stretch';
    if (policy !== 'stretch') return [];
    for (const [index, axis] of axes.entries()) shape[axis] = sizes[index] ?? 0;
    return [{ shape }];
  }
  if (scales?.length !== axes.length) return [];
  for (const [index, axis] of axes.entries()) shape[axis] = Math.floor(Math.fround((input[axis] ?? 0) * (scales[index] ?? 0)));
  return [{ shape }];
};

function blocks(grow: boolean): Rule {
  return (context: RuleContext) => {
    const [batch, channels, height, width] = shapeAt(context, 0) ?? [];
    const block = integer(context, 'blocksize', 1);
    if (batch === undefined || channels === undefined || height === undefined || width === undefined) return [];
    const shape: Shape = grow
      ? [batch, channels / block ** 2, height * block, width * block]
      : [batch, channels * block ** 2, height / block, width / block];
    return [{ shape }];
  };
}

export const layoutRules: Readonly<Record<string, Rule>> = {
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Gather: gather,
  Shape: shapeOf,
  Pad: pad,
  Expand: expand,
  Tile: tile,
  ConstantOfShape: constantOfShape,
  Range: range,
  Resize: resize,
  Upsample: resize,
  DepthToSpace: blocks(true),
  SpaceToDepth: blocks(false),
};
