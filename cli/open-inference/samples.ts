// Values to send: chosen so that every transport can carry them exactly.
import type { Datatype } from '../../agent/inference/datatypes.ts';
import { countOf, type Value, type ValueTensor } from './tensors.ts';

/** A tensor of a model's signature, as metadata describe it. */
export interface TensorSignature {
  name: string;
  datatype: Datatype;
  /** -1 for a dynamic dimension. */
  shape: number[];
}

/** @param shift another shift gives other values */
export function sampleTensor(signature: TensorSignature, shift = 0, dynamic = 1): ValueTensor {
  const shape = signature.shape.map((size) => (size === -1 ? dynamic : size));
  const values = Array.from({ length: countOf(shape) }, (_, index) => sampleValue(signature.datatype, index + shift));
  return { name: signature.name, datatype: signature.datatype, shape, values };
}

function sampleValue(datatype: Datatype, index: number): Value {
  if (datatype === 'BYTES') return `text ${index}`;
  if (datatype === 'BOOL') return index % 3 === 0;
  if (datatype.startsWith('FP')) return ((index % 7) - 3) / 4;
  return datatype.endsWith('64') ? BigInt((index % 5) + 1) : (index % 5) + 1;
}

/** The ends of a datatype's range, and what is easily lost on the way. */
export function edgeValues(datatype: Datatype): Value[] {
  switch (datatype) {
    case 'BOOL':
      return [true, false];
    case 'BYTES':
      return ['', 'Drehzahl °C', '漢字 🙂', 'a"b\\c\nd'];
    case 'FP16':
      return [65504, -65504, 2 ** -14, 0.5];
    case 'FP32':
      return [3.4028234663852886e38, -3.4028234663852886e38, 1.401298464324817e-45, 0.10000000149011612];
    case 'FP64':
      return [Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE, 0.1];
    case 'INT64':
      return [-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, -1n];
    case 'UINT64':
      return [0n, 2n ** 64n - 1n, 2n ** 53n + 1n];
    case 'INT8':
    case 'INT16':
    case 'INT32':
    case 'UINT8':
    case 'UINT16':
    case 'UINT32': {
      const bits = Number(datatype.replace(/\D/g, ''));
      return datatype.startsWith('U') ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, -1];
    }
  }
}

/** As many of the edge values as a tensor of this signature holds, over and over. */
export function edgeTensor(signature: TensorSignature): ValueTensor {
  const edges = edgeValues(signature.datatype);
  const base = sampleTensor(signature, 0, edges.length);
  return { ...base, values: base.values.map((value, index) => edges[index % edges.length] ?? value) };
}

/** Equal, or for fractions as near as one rounding step of FP16 and a sum of a few products. */
export function sameValues(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, index) => sameValue(value, b[index]));
}

function sameValue(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' && typeof b === 'number' && !(Number.isInteger(a) && Number.isInteger(b)))
    return Math.abs(a - b) <= 1e-6 + 1e-4 * Math.abs(b);
  return String(a) === String(b);
}
