// Protocol buffers driven by a table of fields: what is not in the table survives as bytes.
import protobuf from 'protobufjs/minimal.js';
import type { Message } from './messages.ts';

type NumberKind = 'int32' | 'size' | 'float' | 'double';

interface Numbered {
  readonly number: number;
}

type Scalar<V> = V extends string
  ? { readonly kind: 'string' }
  : V extends Uint8Array
    ? { readonly kind: 'bytes' }
    : V extends bigint
      ? { readonly kind: 'int64' | 'uint64' }
      : V extends number
        ? { readonly kind: NumberKind }
        : { readonly kind: 'message'; readonly schema: () => Schema<V> };

type FieldOf<V> = Numbered &
  (V extends Uint8Array
    ? Scalar<V>
    : V extends (infer E)[]
      ? Scalar<E> & { readonly repeated: true; readonly packed?: true }
      : Scalar<V>);

/** One entry per property of T, so a message cannot gain a field that is not read and written. */
export type Schema<T> = { readonly [K in Exclude<keyof T, 'unknownFields'>]-?: FieldOf<NonNullable<T[K]>> };

type Field = Numbered & { readonly repeated?: true; readonly packed?: true } & (
    | { readonly kind: 'string' | 'bytes' | 'int64' | 'uint64' | NumberKind }
    | { readonly kind: 'message'; readonly schema: () => AnySchema }
  );
type AnySchema = { readonly [property: string]: Field };
type AnyMessage = Record<string, unknown> & Message;

/** The limit of Google's own parsers; a graph in a graph costs three levels. */
const maximumDepth = 100;

const wireTypes = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const;

function wireTypeOf(field: Field): number {
  switch (field.kind) {
    case 'string':
    case 'bytes':
    case 'message':
      return wireTypes.lengthDelimited;
    case 'float':
      return wireTypes.fixed32;
    case 'double':
      return wireTypes.fixed64;
    case 'int32':
    case 'size':
    case 'int64':
    case 'uint64':
      return wireTypes.varint;
  }
}

/** @throws Error when the bytes are not a message of this schema; RangeError when they end too early. */
export function decodeMessage<T extends Message>(schema: Schema<T>, bytes: Uint8Array): T {
  const reader = protobuf.Reader.create(bytes);
  return decodeFields(schema as AnySchema, reader, reader.len, 0) as T;
}

function decodeFields(schema: AnySchema, reader: protobuf.Reader, end: number, depth: number): AnyMessage {
  if (depth > maximumDepth) throw new Error(`messages are nested deeper than ${maximumDepth} levels`);
  const { message, byNumber } = emptyMessage(schema);
  while (reader.pos < end) {
    const start = reader.pos;
    const tag = reader.uint32();
    const wireType = tag & 7;
    const known = byNumber.get(tag >>> 3);
    if (known === undefined) {
      if (tag >>> 3 === 0) throw new Error(`field number 0 at byte ${start}`);
      reader.skipType(wireType, depth, tag >>> 3);
      message.unknownFields ??= [];
      message.unknownFields.push(reader.buf.subarray(start, reader.pos));
      continue;
    }
    decodeField(message, known.property, known.field, reader, wireType, depth);
  }
  return message;
}

const numberIndexes = new WeakMap<AnySchema, Map<number, { property: string; field: Field }>>();

function emptyMessage(schema: AnySchema) {
  let byNumber = numberIndexes.get(schema);
  if (byNumber === undefined) {
    byNumber = new Map(Object.entries(schema).map(([property, field]) => [field.number, { property, field }]));
    numberIndexes.set(schema, byNumber);
  }
  const message: AnyMessage = {};
  for (const { property, field } of byNumber.values()) if (field.repeated) message[property] = [];
  return { message, byNumber };
}

function decodeField(
  message: AnyMessage,
  property: string,
  field: Field,
  reader: protobuf.Reader,
  wireType: number,
  depth: number,
): void {
  const expected = wireTypeOf(field);
  if (wireType === expected) {
    const value = decodeValue(field, reader, depth);
    if (field.repeated) (message[property] as unknown[]).push(value);
    else message[property] = value;
    return;
  }
  if (!field.repeated || wireType !== wireTypes.lengthDelimited)
    throw new Error(`field ${property} (${field.number}) at byte ${reader.pos} has wire type ${wireType}, expected ${expected}`);
  const list = message[property] as unknown[];
  const bytes = reader.uint32();
  const end = reader.pos + bytes;
  if (end > reader.len) throw new RangeError(`field ${property} needs ${bytes} bytes, ${reader.len - reader.pos} are left`);
  while (reader.pos < end) list.push(decodeValue(field, reader, depth));
}

function decodeValue(field: Field, reader: protobuf.Reader, depth: number): unknown {
  switch (field.kind) {
    case 'string':
      return reader.string();
    case 'bytes':
      return reader.bytes();
    case 'int32':
      return reader.int32();
    case 'float':
      return reader.float();
    case 'double':
      return reader.double();
    case 'int64':
      return BigInt.asIntN(64, decodeVarint(reader));
    case 'uint64':
      return decodeVarint(reader);
    case 'size':
      return safeNumber(BigInt.asIntN(64, decodeVarint(reader)));
    case 'message': {
      const end = reader.uint32() + reader.pos;
      const outer = reader.len;
      if (end > outer) throw new RangeError(`a message needs ${end - reader.pos} bytes, ${outer - reader.pos} are left`);
      // Nothing inside may read past its own end.
      reader.len = end;
      const message = decodeFields(field.schema(), reader, end, depth + 1);
      reader.len = outer;
      return message;
    }
  }
}

function decodeVarint(reader: protobuf.Reader): bigint {
  const long = reader.uint64();
  return (BigInt(long.high >>> 0) << 32n) | BigInt(long.low >>> 0);
}

function safeNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new Error(`${value} is too large for a size or a version`);
  return number;
}

/** Fields in the order of their numbers, as the reference implementations write them; unknown ones last. */
export function encodeMessage<T extends Message>(schema: Schema<T>, message: T): Uint8Array {
  const writer = protobuf.Writer.create();
  encodeFields(schema as AnySchema, message as AnyMessage, writer);
  return writer.finish();
}

function encodeFields(schema: AnySchema, message: AnyMessage, writer: protobuf.Writer): void {
  for (const [property, field] of Object.entries(schema)) {
    const value = message[property];
    if (value === undefined) continue;
    const wireType = wireTypeOf(field);
    if (!field.repeated) {
      encodeValue(field, value, writer.uint32((field.number << 3) | wireType));
    } else if (field.packed) {
      if ((value as unknown[]).length === 0) continue;
      writer.uint32((field.number << 3) | wireTypes.lengthDelimited).fork();
      for (const element of value as unknown[]) encodeValue(field, element, writer);
      writer.ldelim();
    } else {
      for (const element of value as unknown[]) encodeValue(field, element, writer.uint32((field.number << 3) | wireType));
    }
  }
  for (const bytes of message.unknownFields ?? []) writer.raw(bytes);
}

function encodeValue(field: Field, value: unknown, writer: protobuf.Writer): void {
  switch (field.kind) {
    case 'string':
      writer.string(value as string);
      return;
    case 'bytes':
      writer.bytes(value as Uint8Array);
      return;
    case 'int32':
      writer.int32(value as number);
      return;
    case 'float':
      writer.float(value as number);
      return;
    case 'double':
      writer.double(value as number);
      return;
    case 'int64':
    case 'size':
      writer.int64(`${value as bigint | number}`);
      return;
    case 'uint64':
      writer.uint64(`${value as bigint}`);
      return;
    case 'message':
      writer.fork();
      encodeFields(field.schema(), value as AnyMessage, writer);
      writer.ldelim();
      return;
  }
}
