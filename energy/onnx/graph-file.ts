// The graph under construction: nodes, stored tensors, inputs and outputs, and names that are given once.
import type { NodeProto, TensorProto, ValueInfoProto } from './messages.ts';
import { writeModel } from './model.ts';
import { type AttributeValue, type Dimension, floatTensor, integerTensor, nodeOf, valueInfoOf } from './nodes.ts';
import type { TensorTypeName } from './tensor-types.ts';

/** A tensor in the graph. */
export interface Value {
  readonly name: string;
  readonly shape: readonly Dimension[];
}

const irVersion = 8;

/** The size of a dimension that must be known. @throws Error naming the value. */
export function fixedDimension(value: Value, axis: number): number {
  const size = value.shape.at(axis);
  if (typeof size !== 'number')
    throw new Error(`dimension ${axis} of ${value.name} [${value.shape.join(', ')}] must be a number here`);
  return size;
}

export class GraphFile {
  readonly #nodes: NodeProto[] = [];
  readonly #initializers: TensorProto[] = [];
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];
  readonly #names = new Map<string, number>();

  /** A dimension given as a string is dynamic under that name. */
  input(name: string, shape: readonly Dimension[], elementType: TensorTypeName): Value {
    this.#inputs.push(valueInfoOf(name, elementType, shape));
    return { name, shape };
  }

  output(name: string, value: Value, elementType: TensorTypeName): void {
    this.#nodes.push(nodeOf('Identity', [value.name], [name]));
    this.#outputs.push(valueInfoOf(name, elementType, value.shape));
  }

  node(opType: string, inputs: readonly Value[], shape: readonly Dimension[], attributes: Record<string, AttributeValue>): Value {
    const name = this.#unique(opType.toLowerCase());
    const inputNames = inputs.map((input) => input.name);
    this.#nodes.push(nodeOf(opType, inputNames, [name], attributes));
    return { name, shape };
  }

  floats(hint: string, shape: number[], values: ArrayLike<number>): Value {
    const name = this.#unique(hint);
    this.#initializers.push(floatTensor(name, shape, values));
    return { name, shape };
  }

  integers(hint: string, values: number[]): Value {
    const name = this.#unique(hint);
    this.#initializers.push(integerTensor(name, [values.length], values));
    return { name, shape: [values.length] };
  }

  write(graphName: string, opset: number): Uint8Array {
    return writeModel({
      irVersion,
      producerName: 'jouleops',
      opsetImport: [{ domain: '', version: opset }],
      graph: {
        node: this.#nodes,
        name: graphName,
        initializer: this.#initializers,
        sparseInitializer: [],
        input: this.#inputs,
        output: this.#outputs,
        valueInfo: [],
        quantizationAnnotation: [],
        metadataProps: [],
      },
      metadataProps: [],
      functions: [],
    });
  }

  #unique(hint: string): string {
    const count = this.#names.get(hint) ?? 0;
    this.#names.set(hint, count + 1);
    return `${hint}_${count}`;
  }
}
