// Boards with hidden costs and a misfit, measured in no time: what a meter would show of each network.
import { hiddenBoards } from '../../agent/power/simulated/hidden-board.ts';
import { withMisfit } from '../../agent/power/simulated/misfit.ts';
import { workOf } from '../../agent/power/simulated/simulated-board.ts';
import type { MeasuredProbe } from '../../energy/calibration/board-predictor.ts';
import type { GraphFeatures, LayerCost } from '../../energy/graph/analysis.ts';
import { opsetOf } from '../../energy/graph/extract/preparation.ts';
import { layersOf } from '../../energy/graph/features.ts';
import { inferShapes } from '../../energy/graph/inference/infer.ts';
import { staticFeatures, staticOperations } from '../../energy/graph/static-features.ts';
import { readModel } from '../../energy/onnx/model.ts';
import { classicNetworks } from '../../energy/onnx/networks/classic-networks.ts';
import { probeCandidates } from '../../energy/onnx/networks/probe-candidates.ts';
import { probes } from '../../energy/onnx/networks/probes.ts';
import { NoisyBoard } from './noisy-board.ts';

export interface Network {
  name: string;
  features: GraphFeatures;
  layers: readonly LayerCost[];
}

/** What one inference on a board really needs, at its input. */
export interface Truth {
  joules: number;
  seconds: number;
}

export interface VirtualBoard {
  name: string;
  truthOf(network: Network): Truth;
  measure(network: Network): MeasuredProbe;
}

/** Every seed is another board: fixed before any of them was looked at, never chosen by result. */
const boardSeeds: readonly (readonly [string, number])[] = [
  ['raspberry-pi-5', 21],
  ['raspberry-pi-5', 22],
  ['raspberry-pi-4', 23],
  ['raspberry-pi-4', 24],
  ['jetson-nano', 25],
  ['jetson-nano', 26],
  ['jetson-orin-nano', 27],
  ['jetson-orin-nano', 28],
];

const windows = 4;
const windowSeconds = 10;
const meter = { samplesPerSecond: 10, stepWatts: 0.04 };
/** How much the power of a board wanders within a minute. */
const wander = { correlation: 0.6, relativeSd: 0.02 };

export function virtualBoards(): VirtualBoard[] {
  return boardSeeds.map(([className, seed]) => virtualBoard(className, seed));
}

export function virtualBoard(className: string, seed: number): VirtualBoard {
  const plain = hiddenBoards[className];
  const input = plain?.meters[0];
  if (!plain || !input) throw new Error(`there is no simulated board ${className}`);
  const board = withMisfit(plain, seed);
  const truthOf = ({ features, layers }: Network): Truth => {
    const { joules, seconds } = workOf(board, features, layers);
    return { joules: joules * input.factor + input.idleWatts * seconds, seconds };
  };
  let measured = 0;
  return {
    name: `${className} ${seed}`,
    truthOf,
    measure: (network) => {
      const { joules, seconds } = truthOf(network);
      measured += 1;
      const noisy = new NoisyBoard(1000 * seed + measured, wander.correlation, wander.relativeSd);
      const logs = Array.from({ length: windows }, () =>
        Math.log(noisy.window(joules / seconds, windowSeconds, meter) * seconds),
      );
      const mean = logs.reduce((sum, log) => sum + log, 0) / windows;
      const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (windows - 1);
      return {
        name: network.name,
        features: network.features,
        joules: Math.exp(mean),
        joulesLogVariance: variance / windows,
        seconds,
        secondsLogVariance: 1e-5,
      };
    },
  };
}

/** Read without running them, which takes milliseconds each. */
export function probeNetworks(): Network[] {
  return probes().map((probe) => readNetwork(probe.name, probe.write()));
}

/** Candidates that are no probes, and the classic networks. */
export function heldOutFiles(): { name: string; write: () => Uint8Array }[] {
  const taken = new Set(probes().map(({ name }) => name));
  return [
    ...probeCandidates().filter(({ name }) => !taken.has(name)),
    ...Object.entries(classicNetworks).map(([name, write]) => ({
      name,
      write: () => write({ kind: 'constant', seed: 1, minimumElements: 1 }),
    })),
  ];
}

export function heldOutNetworks(): Network[] {
  return heldOutFiles().map(({ name, write }) => readNetwork(name, write()));
}

function readNetwork(name: string, bytes: Uint8Array): Network {
  const model = readModel(bytes);
  const { tensors, unresolved } = inferShapes(model.graph, opsetOf(model));
  if (unresolved.length > 0) throw new Error(`${name}: the shapes after ${unresolved.join(', ')} are not known`);
  return {
    name,
    features: staticFeatures(model.graph, tensors),
    layers: layersOf(staticOperations(model.graph, tensors)),
  };
}
