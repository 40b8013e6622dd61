// Tensors as Open Inference Protocol JSON and as bytes. Data may be flat or nested; row-major either way.
import { decodeElements, encodeElements } from './bytes-elements.ts';
import { type Datatype, datatypes, elementCount, isDatatype, type Tensor } from './datatypes.ts';
import { InferenceError } from './errors.ts';

export interface JsonTensor {
  name: string;
  datatype: string;
  shape: number[];
  data: unknown[];
  parameters?: Record<string, unknown>;
}

const invalid = (message: string) => new InferenceError('invalid', message);
const maximumRank = 16;
/** What a model's process can be told (tensor-frame.ts). */
const maximumDimension = 2 ** 31 - 1;

/** Name, datatype and shape of what a request calls a tensor. @throws InferenceError invalid */
export function tensorHead(value: unknown, where: string): { name: string; datatype: Datatype; shape: number[] } {
  if (typeof value !== 'object' || value === null) throw invalid(`${where} is not an object`);
  const { name, datatype, shape } = value as Partial<JsonTensor>;
  if (typeof name !== 'string' || name === '') throw invalid(`${where} has no name`);
  if (typeof datatype !== 'string' || !isDatatype(datatype)) {
    if (datatype === 'BF16') throw invalid(`input ${name}: BF16 is not supported; convert it to FP32`);
    throw invalid(`input ${name} has datatype ${String(datatype)}; known are ${Object.keys(datatypes).join(', ')}`);
  }
  const isShape =
    Array.isArray(shape) &&
    shape.length <= maximumRank &&
    shape.every((size) => Number.isInteger(size) && size >= 0 && size <= maximumDimension);
  if (!isShape) throw invalid(`input ${name} has shape ${JSON.stringify(shape)}: a list of sizes is needed`);
  return { name, datatype, shape };
}

/** @throws InferenceError invalid, which names the element that does not fit. */
export function fromJson(value: unknown, where: string): Tensor {
  const head = tensorHead(value, where);
  const { name, datatype, shape } = head;
  const given = (value as Partial<JsonTensor>).data;
  if (!Array.isArray(given)) throw invalid(`input ${name} has no data list; binary data needs parameters.binary_data_size`);
  if (datatype === 'FP16') throw invalid(`input ${name}: JSON cannot carry FP16; send it with the binary data extension`);
  const flat = given.some(Array.isArray) ? flatten(name, given, shape) : given;
  const expected = elementCount(shape);
  if (flat.length !== expected)
    throw invalid(`input ${name} has ${flat.length} elements; its shape [${shape.join(', ')}] needs ${expected}`);
  return { name, datatype, shape, data: encodeData(name, datatype, flat) };
}

/** Nested data follows the shape at every level; lists that only happen to have as many elements would be read wrongly. */
function flatten(name: string, data: readonly unknown[], shape: readonly number[]): unknown[] {
  const flat: unknown[] = [];
  const descend = (values: unknown, axis: number): void => {
    if (axis === shape.length) {
      flat.push(values);
      return;
    }
    if (!Array.isArray(values) || values.length !== shape[axis])
      throw invalid(
        `input ${name}: its nested data do not follow its shape [${shape.join(', ')}] in dimension ${axis}; give it flat, or nested in full`,
      );
    for (const value of values as unknown[]) descend(value, axis + 1);
  };
  descend(data, 0);
  return flat;
}

function encodeData(name: string, datatype: Exclude<Datatype, 'FP16'>, values: readonly unknown[]): Uint8Array {
  const wrong = (index: number) =>
    invalid(`input ${name}: element ${index} is ${shownValue(values[index])}, which is no ${datatype}`);
  switch (datatype) {
    case 'BYTES':
      return encodeElements(
        values.map((value, index) => {
          if (typeof value !== 'string') throw wrong(index);
          return Buffer.from(value, 'utf8');
        }),
      );
    case 'BOOL':
      return Uint8Array.from(values, (value, index) => {
        if (value === true || value === 1) return 1;
        if (value === false || value === 0) return 0;
        throw wrong(index);
      });
    case 'FP32':
    case 'FP64': {
      const out = datatype === 'FP32' ? new Float32Array(values.length) : new Float64Array(values.length);
      for (let index = 0; index < values.length; index++) {
        const value = values[index];
        if (typeof value !== 'number' && typeof value !== 'bigint') throw wrong(index);
        out[index] = Number(value);
      }
      return new Uint8Array(out.buffer);
    }
    case 'INT64':
    case 'UINT64': {
      const out = datatype === 'INT64' ? new BigInt64Array(values.length) : new BigUint64Array(values.length);
      for (const [index, value] of values.entries()) {
        const whole = toBigInt(value);
        if (whole === undefined || !fits64(datatype, whole)) throw wrong(index);
        out[index] = whole;
      }
      return new Uint8Array(out.buffer);
    }
    case 'INT8':
    case 'INT16':
    case 'INT32':
    case 'UINT8':
    case 'UINT16':
    case 'UINT32':
      return encodeIntegers(datatype, values, wrong);
  }
}

/** A list is not written out: it may be nested deeper than a stack. */
function shownValue(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  return JSON.stringify(value);
}

export const integerRanges = {
  INT8: { array: Int8Array, low: -128, high: 127 },
  INT16: { array: Int16Array, low: -32768, high: 32767 },
  INT32: { array: Int32Array, low: -2147483648, high: 2147483647 },
  UINT8: { array: Uint8Array, low: 0, high: 255 },
  UINT16: { array: Uint16Array, low: 0, high: 65535 },
  UINT32: { array: Uint32Array, low: 0, high: 4294967295 },
} as const;

function encodeIntegers(
  datatype: keyof typeof integerRanges,
  values: readonly unknown[],
  wrong: (index: number) => Error,
): Uint8Array {
  const { array, low, high } = integerRanges[datatype];
  const out = new array(values.length);
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (!Number.isInteger(value) || (value as number) < low || (value as number) > high) throw wrong(index);
    out[index] = value as number;
  }
  return new Uint8Array(out.buffer);
}

/** A number above 2^53 has lost digits already: such values come as bigints, or as decimal strings. */
function toBigInt(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? BigInt(value) : undefined;
}

function fits64(datatype: 'INT64' | 'UINT64', value: bigint): boolean {
  return datatype === 'INT64' ? BigInt.asIntN(64, value) === value : BigInt.asUintN(64, value) === value;
}

/** The elements of a tensor for JSON. @throws InferenceError invalid for FP16, which JSON cannot carry. */
export function toJsonData(tensor: Tensor): unknown[] {
  if (tensor.datatype === 'FP16')
    throw invalid(`output ${tensor.name} is FP16, which JSON cannot carry: ask for it with binary_data`);
  if (tensor.datatype === 'BYTES') return decodeElements(tensor.data).map((element) => Buffer.from(element).toString('utf8'));
  if (tensor.datatype === 'BOOL') return Array.from(tensor.data, (value) => value !== 0);
  if (tensor.datatype === 'INT64' || tensor.datatype === 'UINT64') return Array.from(bigValues(tensor), jsonInteger);
  const values: unknown[] = Array.from(numericValues(tensor));
  for (let index = 0; index < values.length; index++)
    if (!Number.isFinite(values[index])) values[index] = jsonNonFinite(values[index] as number);
  return values;
}

/** ECMAScript's JSON.rawJSON, which TypeScript's libraries do not know yet: digits as they are. */
const rawJson = Reflect.get(JSON, 'rawJSON') as (text: string) => unknown;

/** JSON has no infinity, but its numbers have no limit: every parser with doubles reads these as one. Not a number is null. */
function jsonNonFinite(value: number): unknown {
  if (Number.isNaN(value)) return null;
  return rawJson(value > 0 ? '1e999' : '-1e999');
}

function jsonInteger(value: bigint): unknown {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : rawJson(value.toString());
}

/** The elements of a 64-bit integer tensor with all their digits; undefined for every other datatype. */
export function exactIntegers(tensor: Tensor): bigint[] | undefined {
  return tensor.datatype === 'INT64' || tensor.datatype === 'UINT64' ? Array.from(bigValues(tensor)) : undefined;
}

function bigValues(tensor: Tensor): BigInt64Array | BigUint64Array {
  const { buffer, byteOffset, byteLength } = alignedTo(tensor.data, 8);
  return tensor.datatype === 'INT64'
    ? new BigInt64Array(buffer, byteOffset, byteLength / 8)
    : new BigUint64Array(buffer, byteOffset, byteLength / 8);
}

/** The values of a numeric tensor that fits JavaScript numbers; 64-bit integers are rounded to doubles. */
export function numericValues(tensor: Tensor): ArrayLike<number> & Iterable<number> {
  const { buffer, byteOffset, byteLength } = alignedTo(tensor.data, Math.max(1, datatypes[tensor.datatype].bytes));
  switch (tensor.datatype) {
    case 'FP32':
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case 'FP64':
      return new Float64Array(buffer, byteOffset, byteLength / 8);
    case 'INT8':
    case 'INT16':
    case 'INT32':
    case 'UINT8':
    case 'UINT16':
    case 'UINT32': {
      const { array } = integerRanges[tensor.datatype];
      return new array(buffer, byteOffset, byteLength / array.BYTES_PER_ELEMENT);
    }
    case 'BOOL':
      return tensor.data;
    case 'INT64':
    case 'UINT64':
      return Float64Array.from(bigValues(tensor), Number);
    case 'FP16':
      return Float64Array.from(new Uint16Array(buffer, byteOffset, byteLength / 2), halfToNumber);
    case 'BYTES':
      throw invalid(`tensor ${tensor.name} holds texts, not numbers`);
  }
}

/** IEEE 754 binary16. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function alignedTo(data: Uint8Array, bytes: number): Uint8Array<ArrayBuffer> {
  return (data.byteOffset % bytes === 0 ? data : new Uint8Array(data)) as Uint8Array<ArrayBuffer>;
}
