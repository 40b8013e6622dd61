// What an inference request and its answer look like inside a frame: no JSON, tensors aligned to eight bytes.
import { datatypeOfCode, datatypes, type Tensor } from './datatypes.ts';

const alignment = 8;
const pad = (offset: number) => Math.ceil(offset / alignment) * alignment;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface InferMessage {
  /** Empty: all outputs. */
  outputs: string[];
  inputs: Tensor[];
}

export interface ResultMessage {
  modelMicroseconds: number;
  outputs: Tensor[];
}

export function encodeInfer(message: InferMessage): Uint8Array {
  const names = message.outputs.map((name) => encoder.encode(name));
  const prefix = pad(4 + names.reduce((sum, name) => sum + 2 + name.length, 0));
  const { payload, view } = allocate(prefix, message.inputs);
  view.setUint32(0, names.length, true);
  let offset = 4;
  for (const name of names) {
    view.setUint16(offset, name.length, true);
    payload.set(name, offset + 2);
    offset += 2 + name.length;
  }
  writeTensors(payload, view, prefix, message.inputs);
  return payload;
}

export function decodeInfer(payload: Uint8Array): InferMessage {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const count = view.getUint32(0, true);
  const outputs: string[] = [];
  let offset = 4;
  for (let index = 0; index < count; index++) {
    const length = view.getUint16(offset, true);
    outputs.push(decoder.decode(payload.subarray(offset + 2, offset + 2 + length)));
    offset += 2 + length;
  }
  return { outputs, inputs: readTensors(payload, view, pad(offset)) };
}

export function encodeResult(message: ResultMessage): Uint8Array {
  const { payload, view } = allocate(alignment, message.outputs);
  view.setFloat64(0, message.modelMicroseconds, true);
  writeTensors(payload, view, alignment, message.outputs);
  return payload;
}

export function decodeResult(payload: Uint8Array): ResultMessage {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return { modelMicroseconds: view.getFloat64(0, true), outputs: readTensors(payload, view, alignment) };
}

function allocate(prefix: number, tensors: readonly Tensor[]): { payload: Uint8Array; view: DataView } {
  let size = prefix + alignment;
  for (const tensor of tensors) size += headBytes(tensor) + pad(tensor.data.byteLength);
  const payload = new Uint8Array(new ArrayBuffer(size));
  return { payload, view: new DataView(payload.buffer) };
}

/** u16 name length, u8 datatype, u8 rank, u32 data bytes, i32 per dimension, name; padded. */
function headBytes(tensor: Tensor): number {
  return pad(8 + 4 * tensor.shape.length + Buffer.byteLength(tensor.name));
}

function writeTensors(payload: Uint8Array, view: DataView, start: number, tensors: readonly Tensor[]): void {
  view.setUint32(start, tensors.length, true);
  let offset = start + alignment;
  for (const tensor of tensors) {
    const name = encoder.encode(tensor.name);
    view.setUint16(offset, name.length, true);
    view.setUint8(offset + 2, datatypes[tensor.datatype].code);
    view.setUint8(offset + 3, tensor.shape.length);
    view.setUint32(offset + 4, tensor.data.byteLength, true);
    for (const [index, dimension] of tensor.shape.entries()) view.setInt32(offset + 8 + 4 * index, dimension, true);
    payload.set(name, offset + 8 + 4 * tensor.shape.length);
    offset += headBytes(tensor);
    payload.set(tensor.data, offset);
    offset += pad(tensor.data.byteLength);
  }
}

function readTensors(payload: Uint8Array, view: DataView, start: number): Tensor[] {
  const count = view.getUint32(start, true);
  const tensors: Tensor[] = [];
  let offset = start + alignment;
  for (let index = 0; index < count; index++) {
    const nameLength = view.getUint16(offset, true);
    const code = view.getUint8(offset + 2);
    const datatype = datatypeOfCode(code);
    if (datatype === undefined) throw new Error(`a frame carries a tensor of unknown datatype ${code}`);
    const rank = view.getUint8(offset + 3);
    const bytes = view.getUint32(offset + 4, true);
    const shape = Array.from({ length: rank }, (_, axis) => view.getInt32(offset + 8 + 4 * axis, true));
    const nameStart = offset + 8 + 4 * rank;
    const name = decoder.decode(payload.subarray(nameStart, nameStart + nameLength));
    offset = pad(nameStart + nameLength);
    tensors.push({ name, datatype, shape, data: payload.subarray(offset, offset + bytes) });
    offset += pad(bytes);
  }
  return tensors;
}
