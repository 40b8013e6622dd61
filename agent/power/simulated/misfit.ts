// What makes a simulated board unlike every predictor's model of it: no sum of costs per kind of work describes it exactly.
//
// Each kind of layer (operator, class, size within a factor of two) has an efficiency of its own that nothing in a network's
// sums tells; arithmetic heats more than moving memory does, and a network that draws more than the board can carry away is
// slowed down; the meter shows power in steps. All of it, and the costs themselves, follow from one seed.
import type { LayerCost, NodeClass } from '../../../energy/graph/analysis.ts';
import type { HiddenBoard, Misfit } from './hidden-board.ts';

const costSd = 0.4;

/** The board with other hidden costs, and with a misfit: every seed is another board. */
export function withMisfit(board: HiddenBoard, seed: number): HiddenBoard {
  const vary = (name: string, value: number) => value * Math.exp(costSd * normalOf(`${seed} cost ${name}`));
  const varyAll = (kind: string, costs: Partial<Record<NodeClass, number>>) =>
    Object.fromEntries(Object.entries(costs).map(([name, cost]) => [name, vary(`${kind} ${name}`, cost)])) as Partial<
      Record<NodeClass, number>
    >;
  return {
    ...board,
    picojoulesPerMac: varyAll('mac', board.picojoulesPerMac),
    picojoulesPerByte: varyAll('byte', board.picojoulesPerByte),
    picojoulesPerWeightByte: vary('weight', board.picojoulesPerWeightByte),
    microjoulesPerNode: vary('node', board.microjoulesPerNode),
    microjoulesPerRun: vary('run', board.microjoulesPerRun),
    misfit: { seed, efficiencySd: 0.15, sustainable: 1.05, stepWatts: 0.04 },
  };
}

/** Dynamic joules and seconds of one inference. */
export interface Work {
  joules: number;
  seconds: number;
}

/** Watts of arithmetic and of moving memory, relative to the board's mean. */
const arithmeticWatts = 1.25;
const memoryWatts = 0.8;
const arithmetic: ReadonlySet<NodeClass> = new Set(['conv3x3', 'convOther', 'conv1x1', 'grouped', 'gemm', 'matmul']);
/** Slower clocks need less voltage: of a slowdown, this power of it is saved in energy. */
const savedBySlowing = 0.3;

/** @param fixedJoules what is paid per run whatever the layers are. */
export function misfitWork(board: HiddenBoard, misfit: Misfit, layers: readonly LayerCost[], fixedJoules: number): Work {
  let joules = fixedJoules;
  let seconds = fixedJoules / (board.coreWatts * memoryWatts);
  for (const layer of layers) {
    const cost = layerJoules(board, layer) * Math.exp(misfit.efficiencySd * normalOf(`${misfit.seed} layer ${kindOf(layer)}`));
    joules += cost;
    seconds += cost / (board.coreWatts * (arithmetic.has(layer.nodeClass) ? arithmeticWatts : memoryWatts));
  }
  const slowing = joules / seconds / (board.coreWatts * misfit.sustainable);
  return slowing <= 1 ? { joules, seconds } : { joules: joules / slowing ** savedBySlowing, seconds: seconds * slowing };
}

function layerJoules(board: HiddenBoard, { nodeClass, macs, bytes, weightBytes }: LayerCost): number {
  const picojoules =
    (board.picojoulesPerMac[nodeClass] ?? 0) * macs +
    (board.picojoulesPerByte[nodeClass] ?? 0) * bytes +
    board.picojoulesPerWeightByte * weightBytes;
  return picojoules * 1e-12 + board.microjoulesPerNode * 1e-6;
}

function kindOf({ operator, nodeClass, macs, bytes }: LayerCost): string {
  const size = (value: number) => Math.round(Math.log2(Math.max(1, value)));
  return `${operator} ${nodeClass} ${size(macs)} ${size(bytes)}`;
}

/** A standard normal number that belongs to a name: FNV-1a, mixed, through Box and Muller. */
function normalOf(name: string): number {
  const first = mixed(hashOf(name));
  const second = mixed(first ^ 0x9e3779b9);
  const uniform = (value: number) => (value + 0.5) / 4_294_967_296;
  return Math.sqrt(-2 * Math.log(uniform(first))) * Math.cos(2 * Math.PI * uniform(second));
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash;
}

function mixed(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x45d9f3b) >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x45d9f3b) >>> 0;
  return (bits ^ (bits >>> 16)) >>> 0;
}
