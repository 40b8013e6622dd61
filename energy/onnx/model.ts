// An ONNX file as messages, and back.
import type { GraphProto, ModelProto } from './messages.ts';
import { modelSchema } from './schema.ts';
import { decodeMessage, encodeMessage } from './wire-format.ts';

/** The bytes are not an ONNX model, or not a whole one. */
export class OnnxFormatError extends Error {
  override readonly name = 'OnnxFormatError';
}

/** A model that has what every reader needs. */
export type ReadableModel = ModelProto & { irVersion: number; graph: GraphProto };

/**
 * Tensor bytes (`rawData`) are views into `bytes`: keep it unchanged for as long as the model is in use.
 * @throws OnnxFormatError when the bytes are empty, another format, or cut short.
 */
export function readModel(bytes: Uint8Array): ReadableModel {
  if (bytes.length === 0) throw new OnnxFormatError('the file is empty (0 bytes); export or download the model again');
  const other = otherFormat(bytes);
  if (other !== undefined)
    throw new OnnxFormatError(`the file is ${other}, not an ONNX model; check where it was downloaded from`);
  let model: ModelProto;
  try {
    // A plain view: a Buffer would make every tensor a Buffer too.
    model = decodeMessage(modelSchema, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new OnnxFormatError(
      `the file's ${bytes.length} bytes are not an ONNX model, or it is cut short or damaged: ${message}; compare its size and digest with the original's`,
      { cause: error },
    );
  }
  const { graph, irVersion } = model;
  if (graph === undefined || irVersion === undefined)
    throw new OnnxFormatError(
      `the file has no ${graph === undefined ? 'graph' : 'IR version'}, so it is not an ONNX model; export it again (torch.onnx.export, tf2onnx, …)`,
    );
  return Object.assign(model, { graph, irVersion });
}

export function writeModel(model: ModelProto): Uint8Array {
  return new Uint8Array(encodeMessage(modelSchema, model));
}

const ascii = (bytes: Uint8Array, from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));

/** What people mistake for a model, by its first bytes. */
function otherFormat(bytes: Uint8Array): string | undefined {
  const head = ascii(bytes, 0, 64).trimStart().toLowerCase();
  if (head.startsWith('<!doctype') || head.startsWith('<html') || head.startsWith('<?xml')) return 'a web page';
  if (head.startsWith('version https://git-lfs')) return 'a Git LFS pointer';
  if (head.startsWith('pk\u0003\u0004')) return 'a ZIP archive (PyTorch checkpoints are ZIP archives)';
  if (ascii(bytes, 4, 8) === 'TFL3') return 'a TensorFlow Lite model';
  if (ascii(bytes, 4, 8) === 'ORTM') return 'an ONNX Runtime .ort model';
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'a gzip archive';
  if (bytes[0] === 0x89 && ascii(bytes, 1, 4) === 'HDF') return 'an HDF5 file (Keras)';
  if (head.startsWith('{')) return 'JSON text';
  return undefined;
}
