// The key that predictions for this device are looked up by: what it simulates, or what it is.
import type { ClassKeyParts } from '../crds/shared.ts';
import type { HiddenBoard } from './power/simulated/hidden-board.ts';
import type { Machine } from './telemetry/machine.ts';

const boards: readonly { pattern: RegExp; board: string }[] = [
  { pattern: /^Raspberry Pi 5/, board: 'raspberry-pi-5' },
  { pattern: /^Raspberry Pi (Compute Module )?4/, board: 'raspberry-pi-4' },
  { pattern: /Jetson Nano/i, board: 'jetson-nano' },
  { pattern: /Orin Nano|Orin NX/i, board: 'jetson-orin-nano' },
  { pattern: /AGX Orin/i, board: 'jetson-agx-orin' },
];

/** Minor versions differ in their kernels, patches do not: `1.30`. */
export function classKeyOf(machine: Machine, runtimeVersion: string, simulated: HiddenBoard | undefined): ClassKeyParts {
  const minor = runtimeVersion.split('.').slice(0, 2).join('.');
  const version = minor === '' ? {} : { runtimeVersion: minor };
  if (simulated) return { ...simulated.key, ...version };
  const board = boards.find(({ pattern }) => pattern.test(machine.boardModel ?? ''))?.board;
  return {
    ...(board === undefined ? {} : { board }),
    ...(machine.governor === undefined ? {} : { governor: machine.governor }),
    ...(machine.powerMode === undefined ? {} : { powerMode: machine.powerMode }),
    runtime: 'onnxruntime',
    ...version,
    executionProvider: 'cpu',
    threads: 1,
    spinning: false,
  };
}
