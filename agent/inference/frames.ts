// Length-prefixed frames between the agent and a model's process: 4 bytes payload length, 1 byte type, 3 bytes zero, 4 bytes id.

export const frameTypes = {
  hello: 1,
  load: 2,
  loaded: 3,
  loadFailed: 4,
  infer: 5,
  result: 6,
  failed: 7,
  /** Takes back the call of this id, which has not begun; it is answered all the same. */
  skip: 8,
  /** As `infer`; its payload lies in the area that both share. */
  inferPlaced: 9,
} as const;
export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];

export interface Frame {
  type: number;
  id: number;
  /** Starts its own buffer, so that typed arrays may be views into it. */
  payload: Uint8Array;
}

const headerBytes = 12;
/** A frame larger than this is a protocol error, not a request. */
export const maximumFrameBytes = 1 << 30;

export function encodeFrame(type: FrameType, id: number, payload: Uint8Array): Uint8Array[] {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(payload.byteLength, 0);
  header.writeUInt8(type, 4);
  header.writeUInt32LE(id >>> 0, 8);
  return [header, payload];
}

/** Puts frames together from the chunks of a stream. */
export class FrameReader {
  readonly #header = new Uint8Array(headerBytes);
  #headerFilled = 0;
  #payload: Uint8Array | undefined;
  #payloadFilled = 0;

  /** @throws Error when a length is out of bounds: the stream cannot be trusted after that. */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    let offset = 0;
    while (offset < chunk.length || this.#isComplete()) {
      if (this.#payload === undefined) {
        const take = Math.min(headerBytes - this.#headerFilled, chunk.length - offset);
        this.#header.set(chunk.subarray(offset, offset + take), this.#headerFilled);
        this.#headerFilled += take;
        offset += take;
        if (this.#headerFilled < headerBytes) break;
        const length = new DataView(this.#header.buffer).getUint32(0, true);
        if (length > maximumFrameBytes) throw new Error(`a frame of ${length} bytes is over the limit of ${maximumFrameBytes}`);
        this.#payload = new Uint8Array(new ArrayBuffer(length));
        this.#payloadFilled = 0;
      }
      const payload = this.#payload;
      const take = Math.min(payload.length - this.#payloadFilled, chunk.length - offset);
      payload.set(chunk.subarray(offset, offset + take), this.#payloadFilled);
      this.#payloadFilled += take;
      offset += take;
      if (!this.#isComplete()) break;
      const view = new DataView(this.#header.buffer);
      frames.push({ type: view.getUint8(4), id: view.getUint32(8, true), payload });
      this.#payload = undefined;
      this.#headerFilled = 0;
    }
    return frames;
  }

  #isComplete(): boolean {
    return this.#payload !== undefined && this.#payloadFilled === this.#payload.length;
  }
}
