import type { GraphFeatures } from '../../../energy/graph/analysis.ts';
import { nodeClasses } from '../../../energy/graph/analysis.ts';
import type { Clock } from '../../../kube/runtime/clock.ts';
import type { PowerSource } from '../power-source.ts';
import type { HiddenBoard } from './hidden-board.ts';

/** Inferences closer together than this follow each other without a pause. */
const pauseSeconds = 0.005;

/**
 * The meters of a board that is not there. Idle power flows with time; each inference adds its dynamic energy.
 * The machine that runs the model takes another time over it than the board would. So that a board-level meter shows what the
 * board would draw for one inference, the idle share of that difference is added as well: back to back, one inference counts
 * with the board's own time, however fast or busy this machine is.
 */
export class SimulatedBoard {
  readonly #board: HiddenBoard;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #session: number;
  readonly #since: number;
  #lastInference = Number.NEGATIVE_INFINITY;
  /** Joules of inferences so far, per meter. */
  readonly #deposited: number[];

  constructor(board: HiddenBoard, deps: { clock: Clock; random?: () => number }) {
    this.#board = board;
    this.#clock = deps.clock;
    this.#random = deps.random ?? Math.random;
    this.#session = Math.exp(board.sessionNoise * gaussian(this.#random));
    this.#since = deps.clock.monotonic();
    this.#deposited = board.meters.map(() => 0);
  }

  /** One inference of a model with these features ran here for `hostSeconds`. */
  deposit(features: GraphFeatures, hostSeconds: number): void {
    const core = coreJoules(this.#board, features) * this.#session * Math.exp(this.#board.runNoise * gaussian(this.#random));
    const now = this.#clock.monotonic();
    const sinceLast = (now - this.#lastInference) / 1000;
    this.#lastInference = now;
    const hostTook = sinceLast - hostSeconds < pauseSeconds ? sinceLast : hostSeconds;
    const longerSeconds = core / this.#board.coreWatts - hostTook;
    for (const [index, meter] of this.#board.meters.entries()) {
      const idleShare = meter.boundary === 'CoreRail' ? 0 : meter.idleWatts * longerSeconds;
      this.#deposited[index] = (this.#deposited[index] ?? 0) + Math.max(0, core * meter.factor + idleShare);
    }
  }

  sources(): PowerSource[] {
    return this.#board.meters.map((meter, index) => ({
      name: meter.name,
      kind: 'simulated',
      boundary: meter.boundary,
      resolution: { joules: 1e-3 },
      intervalMilliseconds: 1000,
      onDemand: false,
      partial: false,
      notes: ['simulated: the power of a board that is not there'],
      read: () => {
        const seconds = (this.#clock.monotonic() - this.#since) / 1000;
        const joules = meter.idleWatts * seconds + (this.#deposited[index] ?? 0);
        return Promise.resolve({ reading: { kind: 'energy', joules: Math.floor(joules * 1e3) / 1e3 } });
      },
    }));
  }
}

/** Hidden dynamic energy of one inference at the cores, without noise. */
export function coreJoules(board: HiddenBoard, features: GraphFeatures): number {
  let picojoules = 0;
  for (const name of nodeClasses) {
    const totals = features.classes[name];
    picojoules += (board.picojoulesPerMac[name] ?? 0) * totals.macs;
    picojoules += (board.picojoulesPerByte[name] ?? 0) * totals.bytes;
    picojoules += board.picojoulesPerWeightByte * totals.weightBytes;
  }
  return picojoules * 1e-12 + (board.microjoulesPerNode * features.nodes + board.microjoulesPerRun) * 1e-6;
}

/** Box and Muller. */
function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
