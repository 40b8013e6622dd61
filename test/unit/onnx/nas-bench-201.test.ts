import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readModel } from '../../../energy/onnx/model.ts';
import { cellOperators, nasBench201, parseCell } from '../../../energy/onnx/networks/nas-bench-201.ts';
import { elementCount } from '../../../energy/onnx/tensor-types.ts';

const cell = '|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_3x3~2|';
const options = { inputShape: [3, 32, 32] as const, classes: 10, seed: 1 };

function operators(bytes: Uint8Array): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { opType } of readModel(bytes).graph.node) counts[opType ?? ''] = (counts[opType ?? ''] ?? 0) + 1;
  return counts;
}

/** Convolution weights, as the benchmark counts them. */
function convolutionParameters(bytes: Uint8Array): number {
  return readModel(bytes)
    .graph.initializer.filter(({ dims }) => dims.length === 4)
    .reduce((sum, { dims }) => sum + elementCount(dims), 0);
}

describe('NAS-Bench-201 networks', () => {
  it('reads a cell as the edges into its three nodes', () => {
    expect(parseCell(cell)[2]).toEqual([
      { operator: 'skip_connect', from: 0 },
      { operator: 'avg_pool_3x3', from: 1 },
      { operator: 'nor_conv_3x3', from: 2 },
    ]);
  });

  it.each([
    ['|nor_conv_3x3~0|', 'has 1 nodes'],
    ['|conv~0|+|none~0|none~1|+|none~0|none~1|none~2|', '"conv"'],
    ['|none~0|+|none~0|+|none~0|none~1|none~2|', 'node 2'],
    ['|none~1|+|none~0|none~1|+|none~0|none~1|none~2|', '"none~1"'],
  ])('refuses %s and says why', (text, reason) => {
    expect(() => parseCell(text)).toThrow(reason);
  });

  it('has the operators of fifteen cells, a stem and two reductions', () => {
    // Per cell three 3×3, one 1×1; per reduction two 3×3 and one 1×1; one stem.
    expect(operators(nasBench201(cell, options))).toMatchObject({ Conv: 15 * 4 + 2 * 3 + 1, AveragePool: 15 + 2, Gemm: 1 });
  });

  it('has the weights that the paper’s widths give', () => {
    const widths = [16, 32, 64];
    const cells = widths.reduce((sum, width) => sum + 5 * (3 * 9 + 1) * width ** 2, 0);
    const reductions = [16, 32].reduce((sum, width) => sum + 9 * width * 2 * width + 9 * (2 * width) ** 2 + width * 2 * width, 0);
    expect(convolutionParameters(nasBench201(cell, options))).toBe(3 * 9 * 16 + cells + reductions);
  });

  it('computes and adds the zeros of an edge that carries nothing, as the measured networks do', () => {
    const empty = nasBench201('|none~0|+|none~0|none~1|+|none~0|none~1|none~2|', options);
    expect(operators(empty)).toMatchObject({ Conv: 7, Mul: 15 * 6, Add: 15 * 3 + 2 });
  });

  it('writes the same bytes for the same seed and others for another', () => {
    const bytes = (seed: number) => Buffer.from(nasBench201(cell, { ...options, seed }));
    expect(bytes(1).equals(bytes(1))).toBe(true);
    expect(bytes(2).equals(bytes(1))).toBe(false);
  });

  it('writes a readable file for any cell', () => {
    const operator = fc.constantFrom(...cellOperators);
    fc.assert(
      fc.property(fc.tuple(operator, operator, operator, operator, operator, operator), ([a, b, c, d, e, f]) => {
        const text = `|${a}~0|+|${b}~0|${c}~1|+|${d}~0|${e}~1|${f}~2|`;
        // Drawing a million weights is what takes long, and not what is looked at.
        const weights = { kind: 'constant', seed: 1, minimumElements: 64 } as const;
        const { graph } = readModel(nasBench201(text, { ...options, weights }));
        const produced = new Set(['input', ...graph.initializer.map(({ name }) => name)]);
        for (const node of graph.node) {
          for (const input of node.input) expect(produced).toContain(input);
          for (const output of node.output) produced.add(output);
        }
        expect(produced).toContain('logits');
      }),
      { numRuns: 25 },
    );
  });
});
