import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../../energy/onnx/builder.ts';
import type { Value } from '../../../energy/onnx/graph-file.ts';
import { nasBench201 } from '../../../energy/onnx/networks/nas-bench-201.ts';
import { vgg } from '../../../energy/onnx/networks/vgg.ts';
import { nasCell } from '../../../scripts/models/example-models.ts';

async function run(bytes: Uint8Array, shape: number[]): Promise<Tensor> {
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const elements = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, index) => Math.sin(index));
  const outputs = await session.run({ input: new Tensor('float32', elements, shape) });
  const [output] = Object.values(outputs);
  if (output === undefined) throw new Error('the network has no output');
  return output;
}

const finite = (tensor: Tensor) => Array.from(tensor.data as Float32Array).every(Number.isFinite);

describe('networks from the builder run in ONNX Runtime', () => {
  const cases: { layer: string; apply: (builder: GraphBuilder, value: Value) => Value }[] = [
    { layer: 'conv', apply: (b, x) => b.conv(x, { filters: 6, kernel: 5, stride: 2 }) },
    { layer: 'conv with a rectangular kernel', apply: (b, x) => b.conv(x, { filters: 6, kernel: [1, 7] }) },
    { layer: 'dilated conv', apply: (b, x) => b.conv(x, { filters: 6, kernel: 3, dilation: 2 }) },
    { layer: 'depthwise conv', apply: (b, x) => b.conv(x, { filters: 8, kernel: 3, groups: 8, bias: false }) },
    { layer: 'batch norm', apply: (b, x) => b.batchNorm(x) },
    { layer: 'max pool', apply: (b, x) => b.maxPool(x, { kernel: 3, stride: 2, padding: 1 }) },
    { layer: 'average pool', apply: (b, x) => b.averagePool(x, { kernel: 3, padding: 1 }) },
    { layer: 'global average pool', apply: (b, x) => b.globalAveragePool(x) },
    { layer: 'gemm', apply: (b, x) => b.gemm(b.flatten(x), 5) },
    { layer: 'linear', apply: (b, x) => b.linear(x, 5) },
    { layer: 'attention', apply: (b, x) => b.matmul(b.softmax(b.matmul(x, b.transpose(x, [0, 1, 3, 2]))), x) },
    { layer: 'concat', apply: (b, x) => b.concat([x, b.relu(x)]) },
    { layer: 'reshape', apply: (b, x) => b.reshape(x, [1, 4, 2, 12 * 10]) },
    { layer: 'broadcast', apply: (b, x) => b.binary('Mul', x, b.unary('Sigmoid', b.globalAveragePool(x))) },
  ];

  it.each(cases)('$layer has the shape that the builder says', async ({ apply }) => {
    const builder = new GraphBuilder({ name: 'case' });
    const value = apply(builder, builder.input('input', [1, 8, 12, 10]));
    builder.output('output', value);
    const output = await run(builder.build(), [1, 8, 12, 10]);
    expect(output.dims).toEqual(value.shape);
    expect(finite(output)).toBe(true);
  });

  it('a dynamic batch stays dynamic to the output', async () => {
    const builder = new GraphBuilder({ name: 'dynamic' });
    const input = builder.input('input', ['batch', 4, 9, 9]);
    builder.output('output', builder.gemm(builder.flatten(builder.conv(input, { filters: 2, kernel: 3 })), 3));
    const output = await run(builder.build(), [5, 4, 9, 9]);
    expect(output.dims).toEqual([5, 3]);
  });

  it.each([
    { shape: [3, 32, 32], classes: 10 },
    { shape: [1, 88, 88], classes: 1 },
    { shape: [1, 52, 16], classes: 18 },
  ] as const)('a NAS-Bench-201 network on $shape', async ({ shape, classes }) => {
    const output = await run(nasBench201(nasCell, { inputShape: shape, classes, seed: 1 }), [1, ...shape]);
    expect(output.dims).toEqual([1, classes]);
    expect(finite(output)).toBe(true);
  });

  it('a VGG with weights made at loading, in a file of kilobytes, and one with weights in the file', async () => {
    const small = { layers: 11, pixels: 32, classes: 10 } as const;
    const generated = vgg({ ...small, weights: { kind: 'constant', seed: 1, minimumElements: 1 } });
    const written = vgg({ ...small, weights: { kind: 'random', seed: 1 } });
    expect(generated.length).toBeLessThan(10_000);
    expect(written.length).toBeGreaterThan(50_000_000);
    for (const bytes of [generated, written]) {
      const output = await run(bytes, [1, 3, 32, 32]);
      expect(output.dims).toEqual([1, 10]);
      expect(finite(output)).toBe(true);
    }
  });
});
