// Bytes to ONNX Runtime's tensors and back, inside a model's process.
import type { InferenceSession, Tensor as RuntimeTensor, TensorConstructor } from 'onnxruntime-node';
import { decodeElements, encodeElements } from '../bytes-elements.ts';
import { type Datatype, datatypeOfRuntime, datatypes, type Tensor, type TensorDescription } from '../datatypes.ts';

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** Refused because of what the request carries, not because of the model. */
export class InvalidTensorError extends Error {}

export function toRuntimeTensor(create: TensorConstructor, tensor: Tensor): RuntimeTensor {
  if (tensor.datatype === 'BYTES') return new create('string', strings(tensor), tensor.shape);
  const bytes = datatypes[tensor.datatype].bytes;
  const view = typedView(tensor.datatype, aligned(tensor.data, bytes));
  return new create(datatypes[tensor.datatype].runtime, view as never, tensor.shape);
}

export function fromRuntimeTensor(name: string, tensor: RuntimeTensor): Tensor {
  const datatype = datatypeOfRuntime(tensor.type);
  if (datatype === undefined) throw new Error(`output ${name} has type ${tensor.type}, which the protocol cannot carry`);
  const shape = [...tensor.dims];
  if (datatype === 'BYTES') {
    const elements = (tensor.data as string[]).map((text) => new TextEncoder().encode(text));
    return { name, datatype, shape, data: encodeElements(elements) };
  }
  const data = tensor.data as Uint8Array;
  return { name, datatype, shape, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

/** What a session says of its inputs or outputs. @throws Error for what the protocol cannot carry (BF16, sequences, int4). */
export function describe(metadata: readonly InferenceSession.ValueMetadata[]): TensorDescription[] {
  return metadata.map((value) => {
    if (!value.isTensor) throw new Error(`${value.name} is not a tensor`);
    const datatype = datatypeOfRuntime(value.type);
    if (datatype === undefined) throw new Error(`${value.name} has type ${value.type}, which the protocol cannot carry`);
    return { name: value.name, datatype, shape: value.shape.map((size) => (typeof size === 'number' ? size : -1)) };
  });
}

/** The binding takes strings only, so bytes that are not UTF-8 would be changed silently: they are refused. */
function strings(tensor: Tensor): string[] {
  return decodeElements(tensor.data).map((element, index) => {
    try {
      return strictUtf8.decode(element);
    } catch {
      throw new InvalidTensorError(`input ${tensor.name}: element ${index} is not UTF-8, which this runtime needs for BYTES`);
    }
  });
}

function aligned(data: Uint8Array, bytes: number): Uint8Array {
  return data.byteOffset % bytes === 0 ? data : new Uint8Array(data);
}

function typedView(datatype: Exclude<Datatype, 'BYTES'>, data: Uint8Array): ArrayBufferView {
  const { buffer, byteOffset, byteLength } = data;
  switch (datatype) {
    case 'BOOL':
    case 'UINT8':
      return data;
    case 'INT8':
      return new Int8Array(buffer, byteOffset, byteLength);
    case 'UINT16':
    case 'FP16': // half floats are carried as their bits
      return new Uint16Array(buffer, byteOffset, byteLength / 2);
    case 'INT16':
      return new Int16Array(buffer, byteOffset, byteLength / 2);
    case 'UINT32':
      return new Uint32Array(buffer, byteOffset, byteLength / 4);
    case 'INT32':
      return new Int32Array(buffer, byteOffset, byteLength / 4);
    case 'FP32':
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case 'UINT64':
      return new BigUint64Array(buffer, byteOffset, byteLength / 8);
    case 'INT64':
      return new BigInt64Array(buffer, byteOffset, byteLength / 8);
    case 'FP64':
      return new Float64Array(buffer, byteOffset, byteLength / 8);
  }
}
