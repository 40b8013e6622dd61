// What a simulated board "really" is. Only its meter shows it: no predictor reads these numbers, and they are not any predictor's own.
import type { Boundary, ClassKeyParts } from '../../../crds/shared.ts';
import type { NodeClass } from '../../../energy/graph/analysis.ts';

/** What no sum of costs per kind of work describes; misfit.ts says how. */
export interface Misfit {
  seed: number;
  /** Standard deviation of the logarithm of a layer's efficiency. */
  efficiencySd: number;
  /** Dynamic watts that the board carries away for good, relative to the mean of what it draws. */
  sustainable: number;
  /** Steps of its meters. */
  stepWatts: number;
}

export interface HiddenBoard {
  boardModel: string;
  architecture: string;
  key: ClassKeyParts;
  memoryBytes: number;
  cpus: number;
  /** Dynamic energy of the cores: picojoules per MAC and per byte moved, by node class. */
  picojoulesPerMac: Partial<Record<NodeClass, number>>;
  picojoulesPerByte: Partial<Record<NodeClass, number>>;
  picojoulesPerWeightByte: number;
  microjoulesPerNode: number;
  microjoulesPerRun: number;
  /** Dynamic power of the cores while a model runs: turns energy into the time that the board would take. */
  coreWatts: number;
  /** Relative standard deviation from run to run, and from one boot to the next. */
  runNoise: number;
  sessionNoise: number;
  meters: { boundary: Boundary; name: string; idleWatts: number /** Of core energy: regulators, memory. */; factor: number }[];
  misfit?: Misfit;
}

const macs = {
  conv1x1: 1,
  conv3x3: 1,
  convOther: 1.1,
  depthwise: 2.4,
  depthwiseLarge: 2.1,
  grouped: 1.5,
  gemm: 1.25,
  matmul: 1.4,
};
const bytes = {
  activation: 1,
  elementwise: 1,
  normalization: 2.3,
  reduction: 0.8,
  pool: 1.6,
  softmax: 3.5,
  resize: 1.5,
  layout: 0.9,
};

function scaled<K extends string>(factors: Record<K, number>, by: number): Record<K, number> {
  return Object.fromEntries(Object.entries<number>(factors).map(([name, factor]) => [name, factor * by])) as Record<K, number>;
}

const convolutionBytes = (picojoules: number) => ({
  conv1x1: picojoules * 0.2,
  conv3x3: picojoules,
  convOther: picojoules,
  depthwise: picojoules,
  depthwiseLarge: picojoules,
  grouped: picojoules,
  gemm: picojoules,
  matmul: picojoules,
});

export const hiddenBoards: Readonly<Record<string, HiddenBoard>> = {
  'raspberry-pi-5': {
    boardModel: 'Raspberry Pi 5 Model B Rev 1.0',
    architecture: 'arm64',
    key: { board: 'raspberry-pi-5', runtime: 'onnxruntime', executionProvider: 'cpu', threads: 1, spinning: false },
    memoryBytes: 8 * 1024 ** 3,
    cpus: 4,
    picojoulesPerMac: scaled(macs, 116),
    picojoulesPerByte: { ...scaled(bytes, 130), ...convolutionBytes(250) },
    picojoulesPerWeightByte: 60,
    microjoulesPerNode: 0.6,
    microjoulesPerRun: 210,
    coreWatts: 1.42,
    runNoise: 0.03,
    sessionNoise: 0.015,
    meters: [
      { boundary: 'Board', name: 'simulated:board', idleWatts: 2.95, factor: 1.55 },
      { boundary: 'CoreRail', name: 'simulated:core-rail', idleWatts: 0.62, factor: 1 },
    ],
  },
  'raspberry-pi-4': {
    boardModel: 'Raspberry Pi 4 Model B Rev 1.4',
    architecture: 'arm64',
    key: { board: 'raspberry-pi-4', runtime: 'onnxruntime', executionProvider: 'cpu', threads: 1, spinning: false },
    memoryBytes: 4 * 1024 ** 3,
    cpus: 4,
    picojoulesPerMac: scaled(macs, 240),
    picojoulesPerByte: { ...scaled(bytes, 260), ...convolutionBytes(430) },
    picojoulesPerWeightByte: 110,
    microjoulesPerNode: 2.9,
    microjoulesPerRun: 420,
    coreWatts: 1.1,
    runNoise: 0.03,
    sessionNoise: 0.02,
    meters: [{ boundary: 'Board', name: 'simulated:board', idleWatts: 2.6, factor: 1.6 }],
  },
  'jetson-nano': {
    boardModel: 'NVIDIA Jetson Nano Developer Kit',
    architecture: 'arm64',
    key: { board: 'jetson-nano', runtime: 'onnxruntime', executionProvider: 'cpu', threads: 1, spinning: false },
    memoryBytes: 4 * 1024 ** 3,
    cpus: 4,
    picojoulesPerMac: scaled(macs, 330),
    picojoulesPerByte: { ...scaled(bytes, 340), ...convolutionBytes(500) },
    picojoulesPerWeightByte: 150,
    microjoulesPerNode: 3.8,
    microjoulesPerRun: 510,
    coreWatts: 1.25,
    runNoise: 0.025,
    sessionNoise: 0.02,
    meters: [{ boundary: 'Board', name: 'simulated:board', idleWatts: 2.05, factor: 1.5 }],
  },
  'jetson-orin-nano': {
    boardModel: 'NVIDIA Jetson Orin Nano Developer Kit',
    architecture: 'arm64',
    key: { board: 'jetson-orin-nano', runtime: 'onnxruntime', executionProvider: 'cpu', threads: 1, spinning: false },
    memoryBytes: 8 * 1024 ** 3,
    cpus: 6,
    picojoulesPerMac: scaled(macs, 150),
    picojoulesPerByte: { ...scaled(bytes, 170), ...convolutionBytes(290) },
    picojoulesPerWeightByte: 75,
    microjoulesPerNode: 1.9,
    microjoulesPerRun: 300,
    coreWatts: 1.5,
    runNoise: 0.025,
    sessionNoise: 0.015,
    meters: [{ boundary: 'Board', name: 'simulated:board', idleWatts: 4.3, factor: 1.45 }],
  },
};

/** @throws Error that lists what can be simulated. */
export function hiddenBoardOf(className: string): HiddenBoard {
  const board = Object.hasOwn(hiddenBoards, className) ? hiddenBoards[className] : undefined;
  if (board) return board;
  throw new Error(`class ${className} cannot be simulated; these can: ${Object.keys(hiddenBoards).join(', ')}`);
}
