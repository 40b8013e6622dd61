// The Open Inference Protocol's datatypes, their size, and what ONNX Runtime calls them.

export const datatypes = {
  BOOL: { code: 1, runtime: 'bool', bytes: 1 },
  UINT8: { code: 2, runtime: 'uint8', bytes: 1 },
  UINT16: { code: 3, runtime: 'uint16', bytes: 2 },
  UINT32: { code: 4, runtime: 'uint32', bytes: 4 },
  UINT64: { code: 5, runtime: 'uint64', bytes: 8 },
  INT8: { code: 6, runtime: 'int8', bytes: 1 },
  INT16: { code: 7, runtime: 'int16', bytes: 2 },
  INT32: { code: 8, runtime: 'int32', bytes: 4 },
  INT64: { code: 9, runtime: 'int64', bytes: 8 },
  FP16: { code: 10, runtime: 'float16', bytes: 2 },
  FP32: { code: 11, runtime: 'float32', bytes: 4 },
  FP64: { code: 12, runtime: 'float64', bytes: 8 },
  /** Each element is a 32-bit little-endian length and that many bytes. */
  BYTES: { code: 13, runtime: 'string', bytes: 0 },
} as const;

export type Datatype = keyof typeof datatypes;

const names = Object.keys(datatypes) as Datatype[];

export function isDatatype(name: string): name is Datatype {
  return Object.hasOwn(datatypes, name);
}

export function datatypeOfCode(code: number): Datatype | undefined {
  return names.find((name) => datatypes[name].code === code);
}

export function datatypeOfRuntime(type: string): Datatype | undefined {
  return names.find((name) => datatypes[name].runtime === type);
}

/** A tensor as it travels: little-endian, row-major bytes. */
export interface Tensor {
  name: string;
  datatype: Datatype;
  shape: number[];
  data: Uint8Array;
}

export interface TensorDescription {
  name: string;
  datatype: Datatype;
  /** -1 for a dynamic dimension. */
  shape: number[];
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}
