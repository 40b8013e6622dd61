// NAS-Bench-201 networks (Dong and Yang, ICLR 2020) as ONNX files: a cell in its fixed surroundings.
import { GraphBuilder } from './builder.ts';
import type { Value } from './graph-file.ts';
import type { Weights } from './weights.ts';

export const cellOperators = ['none', 'skip_connect', 'nor_conv_1x1', 'nor_conv_3x3', 'avg_pool_3x3'] as const;
type CellOperator = (typeof cellOperators)[number];

interface CellEdge {
  operator: CellOperator;
  /** The node that the edge reads: 0 is the cell's input. */
  from: number;
}

/** The incoming edges of nodes 1, 2 and 3. */
export type Cell = readonly [CellEdge[], CellEdge[], CellEdge[]];

const stages = [16, 32, 64] as const;
const cellsPerStage = 5;

/**
 * Reads `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`.
 * @throws Error naming the part that is not understood.
 */
export function parseCell(text: string): Cell {
  const nodes = text.split('+').map((node, index) => parseNode(node, index + 1, text));
  const [first, second, third] = nodes;
  if (nodes.length !== 3 || !first || !second || !third)
    throw new Error(
      `the cell "${text}" has ${nodes.length} nodes, expected 3 joined by "+": |op~0|+|op~0|op~1|+|op~0|op~1|op~2|`,
    );
  return [first, second, third];
}

function parseNode(text: string, node: number, cell: string): CellEdge[] {
  const parts = text.split('|').filter((part) => part !== '');
  if (parts.length !== node)
    throw new Error(`node ${node} of the cell "${cell}" has ${parts.length} edges, expected ${node}: one from each earlier node`);
  return parts.map((part, from) => {
    const [name, source] = part.split('~');
    const operator = cellOperators.find((known) => known === name);
    if (operator === undefined) throw new Error(`"${name}" in the cell "${cell}" is none of ${cellOperators.join(', ')}`);
    if (Number(source) !== from) throw new Error(`"${part}" in the cell "${cell}" should read node ${from}`);
    return { operator, from };
  });
}

export interface NasBench201Options {
  /** [channels, height, width]; height and width divisible by four. Batch is 1. */
  inputShape: readonly [number, number, number];
  classes: number;
  /** Of the weights: the energy does not depend on it. */
  seed: number;
  /** Instead of random ones of that seed; the graph and its cost stay the same. */
  weights?: Weights;
}

/** The network in inference form, float32, input `input`, output `logits`. */
export function nasBench201(
  cellText: string,
  { inputShape, classes, seed, weights = { kind: 'random', seed } }: NasBench201Options,
): Uint8Array {
  const cell = parseCell(cellText);
  const builder = new GraphBuilder({ name: 'nas-bench-201', weights });
  let value = builder.input('input', [1, ...inputShape]);
  value = builder.batchNorm(builder.conv(value, { filters: stages[0], kernel: 3, bias: false }));
  for (const [index, channels] of stages.entries()) {
    if (index > 0) value = reduction(builder, value, channels);
    for (let count = 0; count < cellsPerStage; count += 1) value = appendCell(builder, value, cell);
  }
  value = builder.relu(builder.batchNorm(value));
  value = builder.flatten(builder.globalAveragePool(value));
  builder.output('logits', builder.gemm(value, classes));
  return builder.build();
}

function reluConvNorm(builder: GraphBuilder, value: Value, filters: number, kernel: number, stride = 1): Value {
  return builder.batchNorm(builder.conv(builder.relu(value), { filters, kernel, stride, bias: false }));
}

/** Halves height and width: two 3×3 convolutions beside an average pool with a 1×1 convolution. */
function reduction(builder: GraphBuilder, value: Value, filters: number): Value {
  const main = reluConvNorm(builder, reluConvNorm(builder, value, filters, 3, 2), filters, 3);
  const pooled = builder.averagePool(value, { kernel: 2, stride: 2 });
  return builder.add(builder.conv(pooled, { filters, kernel: 1, bias: false }), main);
}

function appendCell(builder: GraphBuilder, input: Value, cell: Cell): Value {
  // A node that nothing reaches is zero: it is left out of the sums.
  const nodes: (Value | undefined)[] = [input];
  for (const edges of cell) {
    const terms = edges.flatMap(({ operator, from }) => {
      const source = nodes[from];
      const term = source === undefined ? undefined : applyOperator(builder, source, operator);
      return term === undefined ? [] : [term];
    });
    nodes.push(terms.length === 0 ? undefined : terms.reduce((sum, term) => builder.add(sum, term)));
  }
  return nodes[3] ?? builder.binary('Mul', input, builder.floats('zero', [1], [0]));
}

function applyOperator(builder: GraphBuilder, value: Value, operator: CellOperator): Value | undefined {
  const channels = value.shape[1];
  if (typeof channels !== 'number') throw new Error(`${value.name} has no fixed number of channels`);
  switch (operator) {
    case 'none':
      return undefined;
    case 'skip_connect':
      return value;
    case 'nor_conv_1x1':
      return reluConvNorm(builder, value, channels, 1);
    case 'nor_conv_3x3':
      return reluConvNorm(builder, value, channels, 3);
    case 'avg_pool_3x3':
      return builder.averagePool(value, { kernel: 3, stride: 1, padding: 1 });
  }
}
