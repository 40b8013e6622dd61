// What a shape rule sees of its node.
import type { AttributeValue } from '../operation.ts';
import type { KnownTensor } from './tensor.ts';

export interface RuleContext {
  type: string;
  opset: number;
  attributes: ReadonlyMap<string, AttributeValue>;
  inputs: readonly (KnownTensor | undefined)[];
  outputCount: number;
}

/** One entry per output; undefined where nothing is known. */
export type Rule = (context: RuleContext) => readonly (Partial<KnownTensor> | undefined)[];

export type Shape = readonly number[];

export function shapeAt(context: RuleContext, position: number): Shape | undefined {
  return context.inputs[position]?.shape;
}

export function integersAt(context: RuleContext, position: number): readonly number[] | undefined {
  return context.inputs[position]?.integers;
}

export function integer(context: RuleContext, name: string, fallback: number): number {
  const value = context.attributes.get(name);
  return typeof value === 'number' ? value : fallback;
}

export function integers(context: RuleContext, name: string): readonly number[] | undefined {
  const value = context.attributes.get(name);
  return Array.isArray(value) ? (value as readonly number[]) : undefined;
}

/** Axes and the like moved from attributes to inputs over the opsets. */
export function integersOf(context: RuleContext, name: string, position: number): readonly number[] | undefined {
  return integers(context, name) ?? integersAt(context, position);
}

export function wrapAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** NumPy's rule; undefined when two sizes cannot meet. */
export function broadcast(shapes: readonly Shape[]): Shape | undefined {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result: number[] = Array.from<number>({ length: rank }).fill(1);
  for (const shape of shapes)
    for (const [index, size] of shape.entries()) {
      const position = rank - shape.length + index;
      const current = result[position] ?? 1;
      if (current !== 1 && size !== 1 && current !== size) return undefined;
      result[position] = current === 1 ? size : current;
    }
  return result;
}
