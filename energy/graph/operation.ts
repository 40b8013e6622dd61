// One node of a graph with the shapes of everything that it touches: what costs are computed from.

export interface TensorFact {
  name: string;
  shape: readonly number[];
  /** Bytes of one element; 0.5 for 4-bit types. */
  elementBytes: number;
  /** Its value is fixed in the file (weights, bias, tables). */
  constant: boolean;
}

export type AttributeValue = number | string | readonly number[];

export interface Operation {
  type: string;
  /** Empty for the standard operators. */
  domain: string;
  name: string;
  attributes: ReadonlyMap<string, AttributeValue>;
  /** Undefined where an optional input is left out. */
  inputs: readonly (TensorFact | undefined)[];
  outputs: readonly TensorFact[];
}

export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

export function bytesOf(tensor: TensorFact): number {
  return Math.ceil(elementsOf(tensor.shape) * tensor.elementBytes);
}

export function integerAttribute(operation: Pick<Operation, 'attributes'>, name: string, fallback: number): number {
  const value = operation.attributes.get(name);
  return typeof value === 'number' ? value : fallback;
}

export function integersAttribute(operation: Pick<Operation, 'attributes'>, name: string): readonly number[] | undefined {
  const value = operation.attributes.get(name);
  return Array.isArray(value) ? (value as readonly number[]) : undefined;
}

export function stringAttribute(operation: Pick<Operation, 'attributes'>, name: string, fallback: string): string {
  const value = operation.attributes.get(name);
  return typeof value === 'string' ? value : fallback;
}
