// Weights beside the graph. Only files inside the model's own folder (or handed over explicitly) are touched; large tensors are
// never read: their values do not change what a graph costs, so constants of the same shape stand in for them.
import { closeSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { GraphProto, TensorProto } from '../../onnx/messages.ts';
import { attributeOf, integerTensor, nodeOf, tensorOf } from '../../onnx/nodes.ts';
import { externalLocation, type TensorTypeName, tensorBytes, tensorTypeName, tensorTypes } from '../../onnx/tensor-types.ts';
import { UnsupportedModelError } from './analyze.ts';

/** Below this a tensor may be a shape, a scale or a table of indices, whose values matter: it is read. */
const inlineBytes = 64 * 1024;

export interface ExternalFiles {
  /** Folder of the model file. */
  folder: string;
  /** location → path. */
  given: Readonly<Record<string, string>>;
}

/** Replaces every external initialiser in place: small ones by their values, large ones by a ConstantOfShape node. */
export function replaceExternalData(graph: GraphProto, files: ExternalFiles): void {
  const kept: TensorProto[] = [];
  const nodes: GraphProto['node'] = [];
  for (const [index, tensor] of graph.initializer.entries()) {
    if (tensor.dataLocation !== 1) {
      kept.push(tensor);
      continue;
    }
    const bytes = readSmall(tensor, files);
    if (bytes) kept.push({ ...tensor, dataLocation: 0, externalData: [], rawData: bytes });
    else {
      const name = tensor.name ?? '';
      const shapeName = `${name}/shape-of-external`;
      kept.push(integerTensor(shapeName, [tensor.dims.length], tensor.dims));
      const fill = nodeOf('ConstantOfShape', [shapeName], [name]);
      fill.attribute = [attributeOf('value', fillValue(tensor, index))];
      nodes.push(fill);
    }
  }
  graph.initializer = kept;
  graph.node = [...nodes, ...graph.node];
}

/** Undefined for a large tensor, after checking that the file holds it. */
function readSmall(tensor: TensorProto, files: ExternalFiles): Uint8Array | undefined {
  const place = externalLocation(tensor);
  const size = tensorBytes(tensor);
  const name = tensor.name ?? '';
  if (!place || place.location === '') throw refused(name, 'names no file');
  if (!Number.isSafeInteger(place.offset) || place.offset < 0) throw refused(name, `has offset ${place.offset}`);
  const handle = openInside(place.location, name, files);
  try {
    const available = fstatSync(handle).size;
    if (place.offset + size > available)
      throw refused(name, `needs bytes ${place.offset} to ${place.offset + size} of ${place.location}, which has ${available}`);
    if (size > inlineBytes) return undefined;
    const bytes = new Uint8Array(size);
    readSync(handle, bytes, 0, size, place.offset);
    return bytes;
  } finally {
    closeSync(handle);
  }
}

function openInside(location: string, name: string, { folder, given }: ExternalFiles): number {
  const handed = Object.hasOwn(given, location) ? given[location] : undefined;
  try {
    if (handed !== undefined) return openSync(handed, 'r');
    const normal = path.normalize(location);
    if (path.isAbsolute(normal) || normal.startsWith('..') || location.includes('\0'))
      throw refused(name, `is stored in "${location}", outside the model's own folder`);
    const root = realpathSync(folder);
    const file = realpathSync(path.join(root, normal));
    if (!file.startsWith(root + path.sep))
      throw refused(name, `is stored in "${location}", which leads outside the model's own folder`);
    return openSync(file, 'r');
  } catch (error) {
    if (error instanceof UnsupportedModelError) throw error;
    throw refused(
      name,
      `is stored in "${location}", which cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`,
    );
  }
}

function refused(name: string, problem: string): UnsupportedModelError {
  return new UnsupportedModelError(
    'ExternalData',
    `the weight "${name.slice(0, 80)}" ${problem}: ship the data file beside the model, or save the model with its weights inside`,
  );
}

/** Floats differ from tensor to tensor, or the runtime would merge equal weights into one; integers are indices, zero is always valid. */
function fillValue(tensor: TensorProto, index: number): TensorProto {
  const type: TensorTypeName = tensorTypeName(tensor.dataType) ?? 'float32';
  const raw = new Uint8Array(Math.ceil(tensorTypes[type].bits / 8));
  const view = new DataView(raw.buffer);
  if (type === 'float32') view.setFloat32(0, (index + 1) * 1e-6, true);
  else if (type === 'float64') view.setFloat64(0, (index + 1) * 1e-6, true);
  else if (type === 'float16') view.setUint16(0, (index % 1000) + 1, true);
  return tensorOf('', type, [1], raw);
}
