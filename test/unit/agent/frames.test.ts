import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeElements, encodeElements } from '../../../agent/inference/bytes-elements.ts';
import type { Datatype, Tensor } from '../../../agent/inference/datatypes.ts';
import { encodeFrame, FrameReader, frameTypes, maximumFrameBytes } from '../../../agent/inference/frames.ts';
import { decodeInfer, decodeResult, encodeInfer, encodeResult } from '../../../agent/inference/tensor-frame.ts';
import { halfToNumber } from '../../../agent/inference/tensor-json.ts';

const tensor: fc.Arbitrary<Tensor> = fc.record({
  name: fc.string({ minLength: 1, maxLength: 40 }),
  datatype: fc.constantFrom<Datatype>('FP32', 'INT64', 'UINT8', 'BYTES', 'FP16'),
  shape: fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 6 }),
  data: fc.uint8Array({ maxLength: 200 }),
});
const plain = (tensors: readonly Tensor[]) => tensors.map((entry) => ({ ...entry, data: [...entry.data] }));

describe('frames between the agent and a model', () => {
  it('come out as they went in, however the stream is cut', () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(payloads, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (sent, cuts) => {
        const stream = Buffer.concat(sent.flatMap((payload, id) => encodeFrame(frameTypes.infer, id, payload)));
        const reader = new FrameReader();
        const received = [];
        for (let offset = 0, cut = 0; offset < stream.length; cut++) {
          const length = cuts[cut % cuts.length] ?? 1;
          received.push(...reader.push(stream.subarray(offset, offset + length)));
          offset += length;
        }
        expect(received.map(({ id, payload }) => [id, ...payload])).toEqual(sent.map((payload, id) => [id, ...payload]));
      }),
    );
  });

  it('are refused when they claim more than any request may have', () => {
    const header = Buffer.alloc(12);
    header.writeUInt32LE(maximumFrameBytes + 1, 0);
    expect(() => new FrameReader().push(header)).toThrow('over the limit');
  });

  it('carry requests and results whole, with tensors aligned for typed arrays', () => {
    fc.assert(
      fc.property(
        fc.array(tensor, { maxLength: 4 }),
        fc.array(fc.string({ minLength: 1, maxLength: 20 }), { maxLength: 3 }),
        (inputs, outputs) => {
          const request = decodeInfer(encodeInfer({ inputs, outputs }));
          expect(request.outputs).toEqual(outputs);
          expect(plain(request.inputs)).toEqual(plain(inputs));
          for (const input of request.inputs) expect(input.data.byteOffset % 8).toBe(0);
          const result = decodeResult(encodeResult({ modelMicroseconds: 12.5, outputs: inputs }));
          expect(result.modelMicroseconds).toBe(12.5);
          expect(plain(result.outputs)).toEqual(plain(inputs));
        },
      ),
    );
  });
});

describe('BYTES elements', () => {
  it('come out as they went in', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), (elements) => {
        expect(decodeElements(encodeElements(elements)).map((element) => [...element])).toEqual(
          elements.map((element) => [...element]),
        );
      }),
    );
  });

  it('are refused when one is cut off', () => {
    expect(() => decodeElements(Uint8Array.from([5, 0, 0, 0, 1]))).toThrow('claims 5 bytes, 1 are left');
    expect(() => decodeElements(Uint8Array.from([5, 0]))).toThrow('cut off before its length');
  });
});

describe('half floats', () => {
  it.each([
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x0001, 2 ** -24],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0x8000, -0],
  ])('reads %i', (bits, value) => expect(halfToNumber(bits)).toBe(value));
});
