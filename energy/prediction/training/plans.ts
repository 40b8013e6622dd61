// The predictors that ship: what each is trained on and for.
import type { TrainingPlan } from './train.ts';

export type PlanName = 'raspberry-pi-5-corerail-onnxruntime' | 'raspberry-pi-5-board-pytorch' | 'jetson-nano-board-pytorch';

type FixedPlan = Omit<TrainingPlan, 'data' | 'extractorVersion'> & {
  /** Files of the data folder that the rows come from. */
  files: string[];
};

const date = '2026-11-21';
const common = { version: 1, date, folds: 5, hullQuantile: 0.95 };

export const shippedPlans: Readonly<Record<PlanName, FixedPlan>> = {
  'raspberry-pi-5-corerail-onnxruntime': {
    ...common,
    name: 'raspberry-pi-5-corerail-onnxruntime',
    deviceClass: 'raspberry-pi-5',
    key: {
      board: 'raspberry-pi-5',
      runtime: 'onnxruntime',
      executionProvider: 'cpu',
      threads: 1,
      spinning: false,
      precision: 'fp32',
    },
    boundary: 'CoreRail',
    quantity: 'Marginal',
    referenceSession: 'single',
    files: ['nasbench201_pi5_onnxruntime.csv'],
    manifest: 'data/manifests/nasbench201-pi5.yaml',
    assumptions: [
      'the process was pinned to one core (not part of the key)',
      'energy above idle of the rail VDD_CORE alone: the rest of the board is not in it',
      'runtime version, governor and clocks were not recorded',
      'every architecture is a NAS-Bench-201 network on one of three input shapes: others are out of domain',
    ],
    scaleAssumed: false,
    repeats: 1,
    // The inputs of three sizes: one held out tells how far an interval has to reach for a network unlike the others.
    hasFamilies: true,
    maximumPoints: 500,
  },
  'raspberry-pi-5-board-pytorch': {
    ...common,
    name: 'raspberry-pi-5-board-pytorch',
    deviceClass: 'raspberry-pi-5',
    key: { board: 'raspberry-pi-5', runtime: 'pytorch', executionProvider: 'cpu', precision: 'fp32' },
    boundary: 'Board',
    quantity: 'Active',
    referenceSession: 'R4',
    scoredSessions: ['R4'],
    files: ['timm_boards.csv', 'timm_features.csv'],
    manifest: 'data/manifests/timm-boards.yaml',
    assumptions: [
      'the absolute scale rests on 300 iterations per run, which was not recorded (relative errors do not depend on it)',
      'batch 1',
      'power mode, governor, threads and PyTorch version were not recorded',
      'differences between measurement campaigns (2 to 9 %) are not in the interval',
    ],
    scaleAssumed: true,
    repeats: 5,
    hasFamilies: true,
  },
  'jetson-nano-board-pytorch': {
    ...common,
    name: 'jetson-nano-board-pytorch',
    deviceClass: 'jetson-nano',
    key: { board: 'jetson-nano', runtime: 'pytorch', executionProvider: 'cuda', precision: 'fp32' },
    boundary: 'Board',
    quantity: 'Active',
    referenceSession: 'B',
    files: ['timm_boards.csv', 'timm_features.csv'],
    manifest: 'data/manifests/timm-boards.yaml',
    assumptions: [
      'batches of sessions A100, A500 and C are inferred: those rows count less, a few may be wrong',
      'precision fp32 and the GPU as provider are taken from the published description',
      'power mode, clocks and PyTorch version were not recorded',
      'differences between measurement campaigns (2 to 9 %) are not in the interval',
    ],
    scaleAssumed: false,
    repeats: 5,
    hasFamilies: true,
  },
};
