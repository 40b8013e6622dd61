// The few pieces of ASN.1 DER that a certificate request is made of (ITU-T X.690). A library for it would cost the agent ten MiB.

const tags = { integer: 0x02, bitString: 0x03, oid: 0x06, utf8String: 0x0c, sequence: 0x30, set: 0x31, context0: 0xa0 } as const;

export function encode(tag: number, ...content: Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

export const sequence = (...content: Uint8Array[]) => encode(tags.sequence, ...content);
export const set = (...content: Uint8Array[]) => encode(tags.set, ...content);
export const smallInteger = (value: number) => encode(tags.integer, Buffer.from([value]));
export const utf8 = (text: string) => encode(tags.utf8String, Buffer.from(text, 'utf8'));
/** No unused bits. */
export const bitString = (bytes: Uint8Array) => encode(tags.bitString, Buffer.from([0]), bytes);
export const emptyContext0 = () => encode(tags.context0);

export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let value = arc >>> 7; value > 0; value >>>= 7) groups.unshift((value & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return encode(tags.oid, Buffer.from(bytes));
}
