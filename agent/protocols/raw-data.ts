// Raw bytes of a tensor, as the binary data extension and gRPC carry them, held against what its shape and datatype need.
import { decodeElements } from '../inference/bytes-elements.ts';
import { datatypes, elementCount, type Tensor } from '../inference/datatypes.ts';
import { InferenceError } from '../inference/errors.ts';

const invalid = (message: string) => new InferenceError('invalid', message);

/** @throws InferenceError invalid when raw bytes are not as many as shape and datatype need. */
export function checkRaw(head: Omit<Tensor, 'data'>, data: Uint8Array): void {
  const { name, datatype, shape } = head;
  const elements = elementCount(shape);
  if (datatype === 'BYTES') {
    const found = elementsIn(name, data);
    if (found !== elements)
      throw invalid(`input ${name} has ${found} elements; its shape [${shape.join(', ')}] needs ${elements}`);
    return;
  }
  const expected = elements * datatypes[datatype].bytes;
  if (data.byteLength !== expected)
    throw invalid(`input ${name} has ${data.byteLength} bytes; ${datatype} [${shape.join(', ')}] needs ${expected}`);
}

function elementsIn(name: string, data: Uint8Array): number {
  try {
    return decodeElements(data).length;
  } catch (error) {
    throw invalid(`input ${name}: ${(error as Error).message}`);
  }
}
