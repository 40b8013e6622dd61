// NAS-Bench-201 networks (Dong and Yang, ICLR 2020) as ONNX files: a cell in its fixed surroundings.
import { GraphBuilder } from '../builder.ts';
import type { Weights } from '../weights.ts';

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
  const builder = new GraphBuilder({ name: 'nas-bench-201', weights });
  const input = builder.input('input', [1, ...inputShape]);
  builder.output('logits', appendNetwork(builder, input, parseCell(cellText), classes));
  return builder.build();
}

/** What a network is described to: a file's builder, or something that only counts what the network costs. */
export interface NetworkWriter<V extends object> {
  conv(value: V, options: { filters: number; kernel: number; stride?: number; bias: false }): V;
  batchNorm(value: V): V;
  relu(value: V): V;
  averagePool(value: V, options: { kernel: number; stride: number; padding?: number }): V;
  globalAveragePool(value: V): V;
  add(left: V, right: V): V;
  /** Times one number; the same value times the same number is computed once. */
  scaled(value: V, factor: number): V;
  flatten(value: V): V;
  gemm(value: V, units: number): V;
}

/** From the input to the logits. */
export function appendNetwork<V extends object>(writer: NetworkWriter<V>, input: V, cell: Cell, classes: number): V {
  let value = writer.batchNorm(writer.conv(input, { filters: stages[0], kernel: 3, bias: false }));
  for (const [index, channels] of stages.entries()) {
    if (index > 0) value = reduction(writer, value, channels);
    for (let count = 0; count < cellsPerStage; count += 1) value = appendCell(writer, value, cell, channels);
  }
  value = writer.relu(writer.batchNorm(value));
  return writer.gemm(writer.flatten(writer.globalAveragePool(value)), classes);
}

function reluConvNorm<V extends object>(writer: NetworkWriter<V>, value: V, filters: number, kernel: number, stride = 1): V {
  return writer.batchNorm(writer.conv(writer.relu(value), { filters, kernel, stride, bias: false }));
}

/** Halves height and width: two 3×3 convolutions beside an average pool with a 1×1 convolution. */
function reduction<V extends object>(writer: NetworkWriter<V>, value: V, filters: number): V {
  const main = reluConvNorm(writer, reluConvNorm(writer, value, filters, 3, 2), filters, 3);
  const pooled = writer.averagePool(value, { kernel: 2, stride: 2 });
  return writer.add(writer.conv(pooled, { filters, kernel: 1, bias: false }), main);
}

function appendCell<V extends object>(writer: NetworkWriter<V>, input: V, cell: Cell, channels: number): V {
  const nodes: V[] = [input];
  for (const edges of cell) {
    const terms = edges.map(({ operator, from }) => applyOperator(writer, nodes[from] ?? input, operator, channels));
    nodes.push(terms.reduce((sum, term) => writer.add(sum, term)));
  }
  return nodes.at(-1) ?? input;
}

function applyOperator<V extends object>(writer: NetworkWriter<V>, value: V, operator: CellOperator, channels: number): V {
  switch (operator) {
    case 'none':
      // As the benchmark's own networks do, and what was measured: nothing is left out, zeros are computed and added.
      return writer.scaled(value, 0);
    case 'skip_connect':
      return value;
    case 'nor_conv_1x1':
      return reluConvNorm(writer, value, channels, 1);
    case 'nor_conv_3x3':
      return reluConvNorm(writer, value, channels, 3);
    case 'avg_pool_3x3':
      return writer.averagePool(value, { kernel: 3, stride: 1, padding: 1 });
  }
}
