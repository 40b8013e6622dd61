// Tensors as gRPC carries them: raw bytes, or lists of the type that matches their datatype.
import { decodeElements, encodeElements } from '../../inference/bytes-elements.ts';
import { type Datatype, elementCount, type Tensor } from '../../inference/datatypes.ts';
import { InferenceError } from '../../inference/errors.ts';
import { exactIntegers, integerRanges, numericValues } from '../../inference/tensor-json.ts';
import type { InferTensorContents, Whole } from './messages.ts';

const invalid = (message: string) => new InferenceError('invalid', message);

type ContentsField = keyof InferTensorContents;

/** The list that carries a datatype. FP16 has none. */
export const contentsFieldOf: Record<Exclude<Datatype, 'FP16'>, ContentsField> = {
  BOOL: 'boolContents',
  INT8: 'intContents',
  INT16: 'intContents',
  INT32: 'intContents',
  INT64: 'int64Contents',
  UINT8: 'uintContents',
  UINT16: 'uintContents',
  UINT32: 'uintContents',
  UINT64: 'uint64Contents',
  FP32: 'fp32Contents',
  FP64: 'fp64Contents',
  BYTES: 'bytesContents',
};

/** @throws InferenceError invalid, which names what does not fit. */
export function dataFromContents(head: Omit<Tensor, 'data'>, contents: InferTensorContents | null | undefined): Uint8Array {
  const { name, datatype, shape } = head;
  if (datatype === 'FP16') throw invalid(`input ${name}: FP16 has no typed contents; send it in raw_input_contents`);
  const expected = elementCount(shape);
  const wanted = contentsFieldOf[datatype];
  const others = (Object.values(contentsFieldOf) as ContentsField[]).filter(
    (field) => field !== wanted && (contents?.[field].length ?? 0) > 0,
  );
  if (others[0])
    throw invalid(`input ${name} is ${datatype}, which travels in ${snakeCase(wanted)}, not in ${snakeCase(others[0])}`);
  const found = contents?.[wanted].length ?? 0;
  if (found !== expected) throw invalid(`input ${name} has ${found} elements; its shape [${shape.join(', ')}] needs ${expected}`);
  return contents ? encode(name, datatype, contents) : new Uint8Array();
}

function encode(name: string, datatype: Exclude<Datatype, 'FP16'>, contents: InferTensorContents): Uint8Array {
  switch (datatype) {
    case 'BOOL':
      return Uint8Array.from(contents.boolContents, Number);
    case 'FP32':
      return bytesOf(Float32Array.from(contents.fp32Contents));
    case 'FP64':
      return bytesOf(Float64Array.from(contents.fp64Contents));
    case 'INT64':
      return bytesOf(BigInt64Array.from(contents.int64Contents, toBigInt));
    case 'UINT64':
      return bytesOf(BigUint64Array.from(contents.uint64Contents, (value) => BigInt.asUintN(64, toBigInt(value))));
    case 'BYTES':
      return encodeElements(contents.bytesContents);
    case 'INT8':
    case 'INT16':
    case 'INT32':
      return encodeIntegers(name, datatype, contents.intContents);
    case 'UINT8':
    case 'UINT16':
    case 'UINT32':
      return encodeIntegers(name, datatype, contents.uintContents);
  }
}

function encodeIntegers(name: string, datatype: keyof typeof integerRanges, values: readonly number[]): Uint8Array {
  const { array, low, high } = integerRanges[datatype];
  const outside = values.findIndex((value) => value < low || value > high);
  if (outside >= 0) throw invalid(`input ${name}: element ${outside} is ${values[outside]}, which is no ${datatype}`);
  return bytesOf(array.from(values));
}

const bytesOf = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** Undefined for FP16: it has to go as raw bytes. */
export function contentsOf(tensor: Tensor): Partial<InferTensorContents> | undefined {
  const { datatype } = tensor;
  switch (datatype) {
    case 'FP16':
      return undefined;
    case 'BYTES':
      return { bytesContents: decodeElements(tensor.data) };
    case 'BOOL':
      return { boolContents: Array.from(tensor.data, (value) => value !== 0) };
    case 'INT64':
    case 'UINT64':
      return { [contentsFieldOf[datatype]]: (exactIntegers(tensor) ?? []).map(fromBigInt) };
    case 'FP32':
    case 'FP64':
    case 'INT8':
    case 'INT16':
    case 'INT32':
    case 'UINT8':
    case 'UINT16':
    case 'UINT32':
      return { [contentsFieldOf[datatype]]: Array.from(numericValues(tensor)) };
  }
}

export function toBigInt(value: Whole): bigint {
  if (typeof value === 'number') return BigInt(value);
  return (BigInt(value.high) << 32n) | BigInt(value.low >>> 0);
}

export function toNumber(value: Whole): number {
  return Number(toBigInt(value));
}

function fromBigInt(value: bigint): Whole {
  const low = Number(BigInt.asIntN(32, value));
  const high = Number(BigInt.asIntN(32, value >> 32n));
  return { low, high, unsigned: value > 0x7fffffffffffffffn };
}

const snakeCase = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
