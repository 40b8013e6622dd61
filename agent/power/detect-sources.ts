import type { Logger } from 'pino';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { Probe } from './node-power.ts';
import type { SimulatedBoard } from './simulated/simulated-board.ts';

export interface DetectOptions {
  pathSysfs: string;
  pathProcfs: string;
  simulated?: SimulatedBoard;
}

/** Looks for every kind of source, and says what it looked for. A simulated board has its own meters and no others. */
export async function detectSources(options: DetectOptions, _deps: { clock: Clock; logger: Logger }): Promise<Probe[]> {
  if (options.simulated) {
    return [
      { looked: 'the simulated board', found: options.simulated.sources() },
      {
        looked: options.pathSysfs,
        found: [],
        why: 'not looked for: this device is simulated, and measured and simulated power are never mixed',
      },
    ];
  }
  return [];
}
