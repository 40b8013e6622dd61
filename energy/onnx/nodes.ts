// Small constructors for ONNX messages: plain values in, complete messages out.
import {
  type AttributeProto,
  attributeTypes,
  type DimensionProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './messages.ts';
import { type TensorTypeName, tensorTypes } from './tensor-types.ts';

/** An integer or a list of integers becomes INT or INTS; wrap a number in `float` to get FLOAT. */
export type AttributeValue = number | number[] | string | TensorProto | { float: number };

/** A number, or a symbol for what the caller decides. */
export type Dimension = number | string;

const encodeUtf8 = (text: string) => new TextEncoder().encode(text);

function emptyAttribute(name: string): AttributeProto {
  return {
    name,
    floats: [],
    ints: [],
    strings: [],
    tensors: [],
    graphs: [],
    sparseTensors: [],
    typeProtos: [],
  };
}

export function attributeOf(name: string, value: AttributeValue): AttributeProto {
  const empty = emptyAttribute(name);
  if (typeof value === 'number') return { ...empty, type: attributeTypes.int, i: BigInt(value) };
  if (typeof value === 'string') return { ...empty, type: attributeTypes.string, s: encodeUtf8(value) };
  if (Array.isArray(value)) return { ...empty, type: attributeTypes.ints, ints: value.map(BigInt) };
  if ('float' in value) return { ...empty, type: attributeTypes.float, f: value.float };
  return { ...empty, type: attributeTypes.tensor, t: value };
}

export function nodeOf(
  opType: string,
  input: string[],
  output: string[],
  attributes: Record<string, AttributeValue> = {},
  name = `${output[0]}/${opType}`,
): NodeProto {
  return {
    input,
    output,
    name,
    opType,
    attribute: Object.entries(attributes).map(([key, value]) => attributeOf(key, value)),
    metadataProps: [],
  };
}

export function valueInfoOf(name: string, elementType: TensorTypeName, shape: readonly Dimension[]): ValueInfoProto {
  const dim = shape.map(
    (dimension): DimensionProto => (typeof dimension === 'number' ? { dimValue: dimension } : { dimParam: dimension }),
  );
  return {
    name,
    type: { tensorType: { elemType: tensorTypes[elementType].code, shape: { dim } } },
    metadataProps: [],
  };
}

/** A tensor whose elements are in `rawData`. */
export function tensorOf(name: string, elementType: TensorTypeName, dims: number[], rawData: Uint8Array): TensorProto {
  return {
    dims,
    dataType: tensorTypes[elementType].code,
    floatData: [],
    int32Data: [],
    stringData: [],
    int64Data: [],
    name,
    rawData,
    externalData: [],
    doubleData: [],
    uint64Data: [],
    metadataProps: [],
  };
}

export function floatTensor(name: string, dims: number[], values: ArrayLike<number>): TensorProto {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < values.length; index += 1) view.setFloat32(index * 4, values[index] ?? 0, true);
  return tensorOf(name, 'float32', dims, bytes);
}

export function integerTensor(name: string, dims: number[], values: readonly number[]): TensorProto {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setBigInt64(index * 8, BigInt(value), true);
  return tensorOf(name, 'int64', dims, bytes);
}
