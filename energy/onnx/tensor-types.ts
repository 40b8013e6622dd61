// Element types of ONNX tensors: their codes, sizes and names in the Open Inference Protocol.
import type { TensorProto } from './messages.ts';

interface TensorType {
  code: number;
  bits: number;
  /** Absent when the protocol has no name for it. */
  openInferenceName?: string;
}

const types = {
  float32: { code: 1, bits: 32, openInferenceName: 'FP32' },
  uint8: { code: 2, bits: 8, openInferenceName: 'UINT8' },
  int8: { code: 3, bits: 8, openInferenceName: 'INT8' },
  uint16: { code: 4, bits: 16, openInferenceName: 'UINT16' },
  int16: { code: 5, bits: 16, openInferenceName: 'INT16' },
  int32: { code: 6, bits: 32, openInferenceName: 'INT32' },
  int64: { code: 7, bits: 64, openInferenceName: 'INT64' },
  /** Elements have no fixed size. */
  string: { code: 8, bits: 0, openInferenceName: 'BYTES' },
  bool: { code: 9, bits: 8, openInferenceName: 'BOOL' },
  float16: { code: 10, bits: 16, openInferenceName: 'FP16' },
  float64: { code: 11, bits: 64, openInferenceName: 'FP64' },
  uint32: { code: 12, bits: 32, openInferenceName: 'UINT32' },
  uint64: { code: 13, bits: 64, openInferenceName: 'UINT64' },
  complex64: { code: 14, bits: 64 },
  complex128: { code: 15, bits: 128 },
  bfloat16: { code: 16, bits: 16, openInferenceName: 'BF16' },
  float8e4m3fn: { code: 17, bits: 8 },
  float8e4m3fnuz: { code: 18, bits: 8 },
  float8e5m2: { code: 19, bits: 8 },
  float8e5m2fnuz: { code: 20, bits: 8 },
  uint4: { code: 21, bits: 4 },
  int4: { code: 22, bits: 4 },
  float4e2m1: { code: 23, bits: 4 },
} as const satisfies Record<string, TensorType>;

export type TensorTypeName = keyof typeof types;

export const tensorTypes: Readonly<Record<TensorTypeName, TensorType>> = types;

const namesByCode = new Map(Object.entries(types).map(([name, { code }]) => [code as number, name as TensorTypeName]));

/** The name of a `dataType` or `elemType`; undefined for a code that this project does not know. */
export function tensorTypeName(code: number | undefined): TensorTypeName | undefined {
  return code === undefined ? undefined : namesByCode.get(code);
}

/** Product of the dimensions; 1 for a scalar. Not checked against 2^53: the caller bounds what it materialises. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** Bytes of the elements in memory; 0 for strings and unknown types. Sub-byte types are packed. */
export function tensorBytes(tensor: Pick<TensorProto, 'dims' | 'dataType'>): number {
  const name = tensorTypeName(tensor.dataType);
  return name === undefined ? 0 : Math.ceil((elementCount(tensor.dims) * types[name].bits) / 8);
}

/** Where an external tensor's bytes are, as its file says: unchecked, the path may point anywhere. */
export function externalLocation(tensor: TensorProto): { location: string; offset: number; length?: number } | undefined {
  if (tensor.dataLocation !== 1) return undefined;
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const length = entries.get('length');
  return {
    location: entries.get('location') ?? '',
    offset: Number(entries.get('offset') ?? 0),
    ...(length === undefined ? {} : { length: Number(length) }),
  };
}

/**
 * The integers of a small tensor (shapes, axes, steps), from whichever field holds them.
 * @returns undefined when the tensor is not of an integer type or is stored outside the file.
 */
export function integerElements(tensor: TensorProto): bigint[] | undefined {
  if (tensor.dataLocation === 1) return undefined;
  const name = tensorTypeName(tensor.dataType);
  if (name !== 'int64' && name !== 'int32') return undefined;
  const raw = tensor.rawData;
  if (raw === undefined) return name === 'int64' ? tensor.int64Data : tensor.int32Data.map(BigInt);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const bytesPerElement = types[name].bits / 8;
  return Array.from({ length: Math.floor(raw.byteLength / bytesPerElement) }, (_, index) =>
    name === 'int64' ? view.getBigInt64(index * 8, true) : BigInt(view.getInt32(index * 4, true)),
  );
}

/** The same for single-precision floats: scales. */
export function floatElements(tensor: TensorProto): number[] | undefined {
  if (tensor.dataLocation === 1 || tensorTypeName(tensor.dataType) !== 'float32') return undefined;
  const raw = tensor.rawData;
  if (raw === undefined) return tensor.floatData;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Array.from({ length: Math.floor(raw.byteLength / 4) }, (_, index) => view.getFloat32(index * 4, true));
}
