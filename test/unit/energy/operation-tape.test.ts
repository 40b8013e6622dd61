import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inferShapes } from '../../../energy/graph/inference/infer.ts';
import { staticFeatures } from '../../../energy/graph/static-features.ts';
import { readModel } from '../../../energy/onnx/model.ts';
import { cellOperators, nasBench201 } from '../../../energy/onnx/networks/nas-bench-201.ts';
import { cellFeatures } from '../../../energy/prediction/training/cell-rows.ts';

/** By way of a file: written, read back, shapes inferred, fused. */
function throughFile(cell: string, inputShape: [number, number, number], classes: number) {
  const weights = { kind: 'constant', seed: 1, minimumElements: 1 } as const;
  const { graph } = readModel(nasBench201(cell, { inputShape, classes, seed: 1, weights }));
  return staticFeatures(graph, inferShapes(graph, 17).tensors);
}

describe('counting a network while it is described', () => {
  it('gives every figure that reading its file gives, for any cell', () => {
    const operator = fc.constantFrom(...cellOperators);
    fc.assert(
      fc.property(fc.tuple(operator, operator, operator, operator, operator, operator), ([a, b, c, d, e, f]) => {
        const cell = `|${a}~0|+|${b}~0|${c}~1|+|${d}~0|${e}~1|${f}~2|`;
        expect(cellFeatures(cell, '1x3x32x32', 'cifar100')).toEqual(throughFile(cell, [3, 32, 32], 100));
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ['1x1x52x16', 'ninapro', [1, 52, 16], 18],
    ['1x1x88x88', 'darcy', [1, 88, 88], 10],
  ] as const)('at the input %s too', (shape, task, inputShape, classes) => {
    const cell = '|nor_conv_3x3~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|skip_connect~0|none~1|nor_conv_3x3~2|';
    expect(cellFeatures(cell, shape, task)).toEqual(throughFile(cell, [...inputShape], classes));
  });
});
