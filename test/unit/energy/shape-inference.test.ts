import { describe, expect, it } from 'vitest';
import { inferShapes } from '../../../energy/graph/inference/infer.ts';
import { staticFeatures } from '../../../energy/graph/static-features.ts';
import { countParameters } from '../../../energy/graph/stored-totals.ts';
import { GraphBuilder } from '../../../energy/onnx/builder.ts';
import type { Value } from '../../../energy/onnx/graph-file.ts';
import { readModel } from '../../../energy/onnx/model.ts';
import { probes } from '../../../energy/onnx/networks/probes.ts';

describe('shapes without running', () => {
  /** A weight that the graph itself reshapes, as networks that standardise their weights do; the shape comes through an Identity. */
  function reshapedWeight(throughIdentity: boolean) {
    const builder = new GraphBuilder({ name: 'reshaped', weights: { kind: 'random', seed: 1 } });
    const input = builder.input('x', [1, 3, 8, 8]);
    const flat = builder.floats('flat', [1, 16, 27], new Float32Array(16 * 27).fill(0.1));
    const stored = builder.integers('shape', [16, 3, 3, 3]);
    const shape = throughIdentity ? builder.unary('Identity', stored) : stored;
    const weight = builder.node('Reshape', [flat, shape], [16, 3, 3, 3]);
    const attributes = { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], group: 1 };
    builder.output('y', builder.node('Conv', [input, weight], [1, 16, 8, 8], attributes));
    const { graph } = readModel(builder.build());
    return { graph, ...inferShapes(graph, 17) };
  }

  it.each([false, true])('knows a reshaped weight, by way of an Identity: %s', (throughIdentity) => {
    const { graph, tensors, unresolved } = reshapedWeight(throughIdentity);
    expect(unresolved).toEqual([]);
    expect(tensors.get('y')?.shape).toEqual([1, 16, 8, 8]);
    expect(countParameters(graph, tensors)).toBe(16 * 27);
  });

  describe('knows what a Resize makes', () => {
    function resized(
      opset: number,
      attributes: Record<string, number | string | number[]>,
      inputs: (builder: GraphBuilder) => Value[],
    ) {
      const builder = new GraphBuilder({ name: 'resized', weights: { kind: 'random', seed: 1 } });
      const input = builder.input('x', [1, 3, 10, 7]);
      builder.output('y', builder.node('Resize', [input, ...inputs(builder)], [1, 3, 10, 7], attributes));
      const { graph } = readModel(builder.build());
      return inferShapes(graph, opset).tensors.get('y')?.shape;
    }
    const none: Value = { name: '', shape: [] };

    it('of scales, rounded down', () => {
      expect(resized(17, {}, (builder) => [none, builder.floats('s', [4], [1, 1, 2, 1.5])])).toEqual([1, 3, 20, 10]);
      expect(resized(17, {}, (builder) => [none, builder.floats('s', [4], [1, 1, 0.5, 0.33])])).toEqual([1, 3, 5, 2]);
    });

    it('of scales where they stood before opset 11', () => {
      expect(resized(10, {}, (builder) => [builder.floats('s', [4], [1, 1, 2, 2])])).toEqual([1, 3, 20, 14]);
    });

    it('of sizes, and of sizes or scales of some axes', () => {
      expect(resized(17, {}, (builder) => [none, none, builder.integers('n', [1, 3, 40, 30])])).toEqual([1, 3, 40, 30]);
      const axes = [-2, -1];
      expect(resized(18, { axes }, (builder) => [none, none, builder.integers('n', [40, 30])])).toEqual([1, 3, 40, 30]);
      expect(resized(18, { axes }, (builder) => [none, builder.floats('s', [2], [2, 3])])).toEqual([1, 3, 20, 21]);
    });

    it('and says that it does not know where a ratio is kept, or nothing is stored', () => {
      const kept = { axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' };
      expect(resized(18, kept, (builder) => [none, none, builder.integers('n', [40, 30])])).toBeUndefined();
      expect(resized(17, {}, () => [none, none])).toBeUndefined();
    });
  });

  it('reads an upsampling network as the runtime does', () => {
    const decoder = probes().find(({ name }) => name === 'decoder-w32-128');
    const { graph } = readModel(decoder?.write() ?? new Uint8Array());
    const { tensors, unresolved } = inferShapes(graph, 17);
    expect(unresolved).toEqual([]);
    // What onnxruntime's own run of it counts.
    expect(staticFeatures(graph, tensors).macs).toBe(2_657_091_584);
  });
});
