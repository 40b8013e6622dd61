// Tensors as this suite holds them: values, apart from how a transport writes them. Written without the agent's own codecs, so that a
// mistake in those shows.
import { type Datatype, datatypes, isDatatype } from '../../agent/inference/datatypes.ts';
import { Deviation } from './deviation.ts';

export type Value = number | bigint | boolean | string;

export interface ValueTensor {
  name: string;
  datatype: Datatype;
  shape: number[];
  /** Row-major. */
  values: Value[];
}

export const allDatatypes = Object.keys(datatypes) as Datatype[];

export function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** @throws Deviation when it is no tensor as the protocol describes one. */
export function readJsonTensor(value: unknown, where: string): ValueTensor {
  const head = readHead(value, where);
  const { data } = value as { data?: unknown };
  if (!Array.isArray(data)) throw new Deviation(`${where} has no data list`);
  const values = data.flat(Number.POSITIVE_INFINITY) as unknown[];
  if (values.length !== countOf(head.shape))
    throw new Deviation(`${where} has ${values.length} elements; its shape is [${head.shape.join(', ')}]`);
  const wrong = values.findIndex((entry) => !isValueOf(head.datatype, entry));
  if (wrong >= 0) throw new Deviation(`${where} is ${head.datatype} and holds ${JSON.stringify(values[wrong])}`);
  return { ...head, values: values as Value[] };
}

export function readHead(value: unknown, where: string): Omit<ValueTensor, 'values'> {
  const { name, datatype, shape } = (value ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string' || name === '') throw new Deviation(`${where} has no name`);
  if (typeof datatype !== 'string' || !isDatatype(datatype))
    throw new Deviation(`${where} has the datatype ${JSON.stringify(datatype)}`);
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && (size as number) >= 0))
    throw new Deviation(`${where} has the shape ${JSON.stringify(shape)}`);
  return { name, datatype, shape: shape as number[] };
}

function isValueOf(datatype: Datatype, value: unknown): boolean {
  if (datatype === 'BYTES') return typeof value === 'string';
  if (datatype === 'BOOL') return typeof value === 'boolean';
  if (datatype.startsWith('FP')) return typeof value === 'number' || typeof value === 'bigint' || value === null;
  return typeof value === 'bigint' || Number.isInteger(value);
}

/** Data of one tensor as the binary data extension and gRPC's raw contents carry it. */
export function toBinary({ datatype, values }: ValueTensor): Buffer {
  if (datatype === 'BYTES') {
    const texts = values.map((value) => Buffer.from(String(value), 'utf8'));
    return Buffer.concat(texts.flatMap((text) => [lengthPrefix(text.length), text]));
  }
  const { bytes } = datatypes[datatype];
  const out = Buffer.alloc(values.length * bytes);
  for (const [index, value] of values.entries()) writeElement(out, datatype, index * bytes, value);
  return out;
}

function lengthPrefix(length: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(length);
  return out;
}

function writeElement(out: Buffer, datatype: Exclude<Datatype, 'BYTES'>, at: number, value: Value): void {
  switch (datatype) {
    case 'BOOL':
      out.writeUInt8(value === true ? 1 : 0, at);
      return;
    case 'INT64':
      out.writeBigInt64LE(BigInt(value), at);
      return;
    case 'UINT64':
      out.writeBigUInt64LE(BigInt(value), at);
      return;
    case 'FP16':
      out.writeUInt16LE(halfBits(Number(value)), at);
      return;
    case 'FP32':
      out.writeFloatLE(Number(value), at);
      return;
    case 'FP64':
      out.writeDoubleLE(Number(value), at);
      return;
    case 'INT8':
    case 'INT16':
    case 'INT32':
    case 'UINT8':
    case 'UINT16':
    case 'UINT32': {
      const { bytes } = datatypes[datatype];
      if (datatype.startsWith('U')) out.writeUIntLE(Number(value), at, bytes);
      else out.writeIntLE(Number(value), at, bytes);
    }
  }
}

/** @throws Deviation when the bytes are not as many as the shape needs. */
export function fromBinary(head: Omit<ValueTensor, 'values'>, data: Buffer, where: string): ValueTensor {
  const count = countOf(head.shape);
  const { bytes } = datatypes[head.datatype];
  if (head.datatype === 'BYTES') {
    const values: string[] = [];
    for (let at = 0; at + 4 <= data.length; ) {
      const length = data.readUInt32LE(at);
      values.push(data.toString('utf8', at + 4, at + 4 + length));
      at += 4 + length;
    }
    if (values.length !== count) throw new Deviation(`${where} has ${values.length} texts; its shape needs ${count}`);
    return { ...head, values };
  }
  if (data.length !== count * bytes)
    throw new Deviation(`${where} has ${data.length} bytes; ${head.datatype} [${head.shape.join(', ')}] needs ${count * bytes}`);
  const { datatype } = head;
  return { ...head, values: Array.from({ length: count }, (_, index) => readElement(data, datatype, index * bytes)) };
}

function readElement(data: Buffer, datatype: Exclude<Datatype, 'BYTES'>, at: number): Value {
  switch (datatype) {
    case 'BOOL':
      return data.readUInt8(at) !== 0;
    case 'INT64':
      return data.readBigInt64LE(at);
    case 'UINT64':
      return data.readBigUInt64LE(at);
    case 'FP16':
      return halfValue(data.readUInt16LE(at));
    case 'FP32':
      return data.readFloatLE(at);
    case 'FP64':
      return data.readDoubleLE(at);
    case 'INT8':
    case 'INT16':
    case 'INT32':
    case 'UINT8':
    case 'UINT16':
    case 'UINT32': {
      const { bytes } = datatypes[datatype];
      return datatype.startsWith('U') ? data.readUIntLE(at, bytes) : data.readIntLE(at, bytes);
    }
  }
}

/** IEEE 754 binary16 of a number that it can hold exactly: what the samples are chosen to be. */
function halfBits(value: number): number {
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  const fraction = Math.abs(value) / 2 ** exponent - 1;
  return (value < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | Math.round(fraction * 1024);
}

function halfValue(bits: number): number {
  const [exponent, fraction] = [(bits >>> 10) & 0x1f, bits & 0x3ff];
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -size : size;
}
