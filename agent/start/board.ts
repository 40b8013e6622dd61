// The machine that the agent runs on, or the board that it stands in for: its power, its telemetry, its class.
import type { Logger } from 'pino';
import type { ClassKeyParts } from '../../crds/shared.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { BlobStore } from '../artifacts/blob-store.ts';
import { classKeyOf } from '../class-key.ts';
import { installedRuntimeVersion } from '../inference/installed-runtime.ts';
import type { AgentOptions } from '../options.ts';
import { detectSources } from '../power/detect-sources.ts';
import { NodePower } from '../power/node-power.ts';
import { Deposits } from '../power/simulated/deposits.ts';
import { hiddenBoardOf } from '../power/simulated/hidden-board.ts';
import { withMisfit } from '../power/simulated/misfit.ts';
import { SimulatedBoard } from '../power/simulated/simulated-board.ts';
import { runCommand } from '../power/sources/command.ts';
import { type Machine, readMachine } from '../telemetry/machine.ts';
import { Telemetry } from '../telemetry/telemetry.ts';
import { ThrottleReader } from '../telemetry/throttling.ts';
import { memoryForModels } from './memory-limit.ts';

export interface Board {
  machine: Machine;
  simulated: boolean;
  classKey: ClassKeyParts;
  /** Such as `1.30.0`. */
  runtimeVersion: string;
  /** Memory that models may take, all together. */
  memoryLimitBytes: number;
  power: NodePower;
  telemetry: Telemetry;
  /** On a simulated board: what each inference costs there. */
  deposits?: Deposits;
}

const telemetrySeconds = 5;

export async function openBoard(
  options: AgentOptions,
  deps: { clock: Clock; logger: Logger; store: BlobStore },
  signal: AbortSignal,
): Promise<Board> {
  const { clock, logger, store } = deps;
  const roots = { pathSysfs: options.pathSysfs ?? '/sys', pathProcfs: options.pathProcfs ?? '/proc' };
  const plain = options.simulate === undefined ? undefined : hiddenBoardOf(options.simulate);
  const hidden = plain && options.simulateMisfit !== undefined ? withMisfit(plain, options.simulateMisfit) : plain;
  const real = await readMachine(roots, runCommand);
  const machine = hidden ? { ...real, boardModel: `${hidden.boardModel} (simulated)` } : real;
  const simulated = hidden && new SimulatedBoard(hidden, { clock });
  const probes = await detectSources({ pathSysfs: roots.pathSysfs, ...(simulated === undefined ? {} : { simulated }) }, signal);
  const isRaspberryPi = real.boardModel?.startsWith('Raspberry Pi') ?? false;
  const throttling = new ThrottleReader({ pathSysfs: roots.pathSysfs, isRaspberryPi }, { run: runCommand });
  const telemetry = new Telemetry(
    { ...roots, artifactDirectory: store.directory, intervalSeconds: telemetrySeconds },
    { clock, throttling },
  );
  await telemetry.refresh();
  const runtimeVersion = installedRuntimeVersion();
  return {
    machine,
    simulated: hidden !== undefined,
    classKey: classKeyOf(machine, runtimeVersion, hidden),
    runtimeVersion,
    memoryLimitBytes: memoryForModels(options.memoryLimitBytes, real.memoryBytes, process.constrainedMemory()),
    power: new NodePower(probes, deps),
    telemetry,
    ...(simulated === undefined ? {} : { deposits: new Deposits({ board: simulated, store, logger }, signal) }),
  };
}
