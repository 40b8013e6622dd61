import { describe, expect, it } from 'vitest';
import { inferShapes } from '../../../energy/graph/inference/infer.ts';
import { countParameters } from '../../../energy/graph/stored-totals.ts';
import { GraphBuilder } from '../../../energy/onnx/builder.ts';
import { readModel } from '../../../energy/onnx/model.ts';

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
});
