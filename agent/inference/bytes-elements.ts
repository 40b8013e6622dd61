// BYTES tensors: elements as length-prefixed byte strings.

export function encodeElements(elements: readonly Uint8Array[]): Uint8Array {
  const total = elements.reduce((sum, element) => sum + 4 + element.length, 0);
  const out = Buffer.alloc(total);
  let offset = 0;
  for (const element of elements) {
    offset = out.writeUInt32LE(element.length, offset);
    out.set(element, offset);
    offset += element.length;
  }
  return out;
}

/** @throws Error when a length runs past the end. */
export function decodeElements(data: Uint8Array): Uint8Array[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const elements: Uint8Array[] = [];
  let offset = 0;
  while (offset < data.byteLength) {
    if (offset + 4 > data.byteLength) throw new Error('a BYTES element is cut off before its length');
    const length = view.getUint32(offset, true);
    offset += 4;
    if (offset + length > data.byteLength)
      throw new Error(`a BYTES element claims ${length} bytes, ${data.byteLength - offset} are left`);
    elements.push(data.subarray(offset, offset + length));
    offset += length;
  }
  return elements;
}
