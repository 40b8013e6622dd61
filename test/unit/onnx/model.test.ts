import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../../energy/onnx/builder.ts';
import type { ModelProto } from '../../../energy/onnx/messages.ts';
import { OnnxFormatError, readModel, writeModel } from '../../../energy/onnx/model.ts';
import { attributeOf, nodeOf, tensorOf } from '../../../energy/onnx/nodes.ts';
import { externalLocation } from '../../../energy/onnx/tensor-types.ts';

function smallNetwork(): Uint8Array {
  const builder = new GraphBuilder({ name: 'small', weights: { kind: 'random', seed: 3 } });
  const input = builder.input('input', ['batch', 3, 8, 8]);
  const features = builder.relu(builder.batchNorm(builder.conv(input, { filters: 4, kernel: 3 })));
  builder.output('output', builder.softmax(builder.gemm(builder.flatten(builder.globalAveragePool(features)), 2)));
  return builder.build();
}

const emptyGraph = {
  node: [],
  name: 'graph',
  initializer: [],
  sparseInitializer: [],
  input: [],
  output: [],
  valueInfo: [],
  quantizationAnnotation: [],
  metadataProps: [],
};

function modelWith(graph: Partial<ModelProto['graph']>): ModelProto {
  return {
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: { ...emptyGraph, ...graph },
    metadataProps: [],
    functions: [],
  };
}

describe('reading and writing ONNX files', () => {
  it('gives back the bytes of a file that is read and written', () => {
    const bytes = smallNetwork();
    expect(writeModel(readModel(bytes))).toEqual(bytes);
  });

  it('keeps every kind of tensor storage', () => {
    const half = { ...tensorOf('half', 'float16', [2], new Uint8Array([0, 60, 0, 192])) };
    const packedHalf = { ...tensorOf('packed', 'float16', [2], new Uint8Array()), int32Data: [0x3c00, 0xc000] };
    delete packedHalf.rawData;
    const bytes = { ...tensorOf('bytes', 'int8', [3], new Uint8Array()), int32Data: [-128, 0, 127] };
    delete bytes.rawData;
    const wide = { ...tensorOf('wide', 'int64', [2], new Uint8Array()), int64Data: [-(2n ** 63n), 2n ** 63n - 1n] };
    delete wide.rawData;
    const unsigned = { ...tensorOf('unsigned', 'uint64', [1], new Uint8Array()), uint64Data: [2n ** 64n - 1n] };
    delete unsigned.rawData;
    const doubles = { ...tensorOf('doubles', 'float64', [2], new Uint8Array()), doubleData: [Math.PI, -0] };
    delete doubles.rawData;
    const words = { ...tensorOf('words', 'string', [1], new Uint8Array()), stringData: [new Uint8Array([255, 0])] };
    delete words.rawData;
    const initializer = [half, packedHalf, bytes, wide, unsigned, doubles, words];
    const read = readModel(writeModel(modelWith({ initializer })));
    expect(read.graph.initializer).toEqual(initializer);
  });

  it('keeps where external data are', () => {
    const outside = {
      ...tensorOf('outside', 'float32', [4], new Uint8Array()),
      dataLocation: 1,
      externalData: [
        { key: 'location', value: 'weights.bin' },
        { key: 'offset', value: '4096' },
        { key: 'length', value: '16' },
      ],
    };
    delete outside.rawData;
    const [tensor] = readModel(writeModel(modelWith({ initializer: [outside] }))).graph.initializer;
    expect(tensor && externalLocation(tensor)).toEqual({ location: 'weights.bin', offset: 4096, length: 16 });
  });

  it('keeps graphs inside attributes', () => {
    const branch = { ...emptyGraph, node: [nodeOf('Relu', ['x'], ['y'])] };
    const node = nodeOf('If', ['condition'], ['result']);
    node.attribute.push({ ...attributeOf('then_branch', 0), type: 5, g: branch });
    const read = readModel(writeModel(modelWith({ node: [node] })));
    expect(read.graph.node[0]?.attribute[0]?.g?.node[0]?.opType).toBe('Relu');
  });

  it('keeps fields that it does not know', () => {
    // Field 20 of a model is training_info: length-delimited.
    const training = new Uint8Array([0xa2, 0x01, 0x03, 1, 2, 3]);
    const bytes = new Uint8Array([...writeModel(modelWith({})), ...training]);
    expect(writeModel(readModel(bytes))).toEqual(bytes);
  });

  it('reads lists of integers packed and unpacked', () => {
    const field = (tag: number, ...bytes: number[]) => [tag, bytes.length, ...bytes];
    // Model 7: graph, graph 1: node, node 5: attribute, attribute 8: ints.
    const modelOf = (ints: number[]) => Uint8Array.from([8, 8, ...field(0x3a, ...field(0x0a, ...field(0x2a, ...ints)))]);
    for (const ints of [field(0x42, 1, 2, 3), [0x40, 1, 0x40, 2, 0x40, 3]])
      expect(readModel(modelOf(ints)).graph.node[0]?.attribute[0]?.ints).toEqual([1n, 2n, 3n]);
  });
});

describe('bytes that are not a model', () => {
  it.each([
    ['nothing', new Uint8Array(), 'the file is empty'],
    ['a web page', new TextEncoder().encode('<!DOCTYPE html><html><body>404</body></html>'), 'a web page'],
    ['a PyTorch checkpoint', new Uint8Array([0x50, 0x4b, 3, 4, 20, 0]), 'a ZIP archive'],
    [
      'a Git LFS pointer',
      new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\noid sha256:0'),
      'a Git LFS pointer',
    ],
    ['a TensorFlow Lite model', new TextEncoder().encode('\u001c\0\0\0TFL3'), 'a TensorFlow Lite model'],
    ['text', new TextEncoder().encode('hello, world, this is no model'), 'not an ONNX model'],
    ['another message', new Uint8Array([0x12, 1, 0x61]), 'has no graph'],
  ])('%s is refused with a reason', (_, bytes, reason) => {
    expect(() => readModel(bytes)).toThrow(OnnxFormatError);
    expect(() => readModel(bytes)).toThrow(reason);
  });

  it('a model cut anywhere inside its graph is refused', () => {
    const bytes = smallNetwork();
    fc.assert(
      fc.property(fc.integer({ min: 1, max: bytes.length - 20 }), (length) => {
        expect(() => readModel(bytes.subarray(0, length))).toThrow(OnnxFormatError);
      }),
    );
  });

  it('a damaged model is read or refused, and nothing else happens', () => {
    const bytes = smallNetwork();
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (position, value) => {
        const damaged = Uint8Array.from(bytes);
        damaged[position] = value;
        try {
          readModel(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(OnnxFormatError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('graphs nested without end are refused before the stack is', () => {
    let graph = { ...emptyGraph };
    for (let depth = 0; depth < 60; depth += 1) {
      const node = nodeOf('If', ['condition'], ['result']);
      node.attribute.push({ ...attributeOf('then_branch', 0), g: graph });
      graph = { ...emptyGraph, node: [node] as never };
    }
    expect(() => readModel(writeModel(modelWith(graph)))).toThrow('nested deeper than 100');
  });
});
