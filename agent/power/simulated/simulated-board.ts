import type { GraphFeatures, LayerCost } from '../../../energy/graph/analysis.ts';
import { nodeClasses } from '../../../energy/graph/analysis.ts';
import type { Clock } from '../../../kube/runtime/clock.ts';
import type { PowerSource, Reading } from '../power-source.ts';
import type { HiddenBoard } from './hidden-board.ts';
import { misfitWork, type Work } from './misfit.ts';

/** Inferences closer together than this, and than this share of one, follow each other without a pause. */
const pauseSeconds = 0.005;
const pauseShare = 0.2;
/** A meter that shows power in steps averages this long. */
const steppedMilliseconds = 100;

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
  /** What each meter has counted to: it never goes down, though an inference that took longer here than there takes idle joules back. */
  readonly #counted: number[];

  constructor(board: HiddenBoard, deps: { clock: Clock; random?: () => number }) {
    this.#board = board;
    this.#clock = deps.clock;
    this.#random = deps.random ?? Math.random;
    this.#session = Math.exp(board.sessionNoise * gaussian(this.#random));
    this.#since = deps.clock.monotonic();
    this.#deposited = board.meters.map(() => 0);
    this.#counted = board.meters.map(() => 0);
  }

  /** Whether a deposit needs the layers of its graph. */
  get needsLayers(): boolean {
    return this.#board.misfit !== undefined;
  }

  /** One inference of a model with these features was asked for `hostSeconds` ago and has just been answered. */
  deposit(features: GraphFeatures, hostSeconds: number, layers: readonly LayerCost[] = []): void {
    const work = workOf(this.#board, features, layers);
    const noise = this.#session * Math.exp(this.#board.runNoise * gaussian(this.#random));
    const core = work.joules * noise;
    const now = this.#clock.monotonic();
    const sinceLast = (now - this.#lastInference) / 1000;
    this.#lastInference = now;
    const { misfit } = this.#board;
    // A board with a misfit is there to be calibrated: what its meter shows of a loop must not depend on how busy this machine is.
    const longestPause = misfit ? Math.min(pauseSeconds, pauseShare * hostSeconds) : pauseSeconds;
    const backToBack = sinceLast - hostSeconds < longestPause;
    const longerSeconds = work.seconds * noise - (backToBack ? sinceLast : hostSeconds);
    for (const [index, meter] of this.#board.meters.entries()) {
      const idleShare = meter.boundary === 'CoreRail' ? 0 : meter.idleWatts * longerSeconds;
      const joules = core * meter.factor + idleShare;
      this.#deposited[index] = (this.#deposited[index] ?? 0) + (misfit && backToBack ? joules : Math.max(0, joules));
    }
  }

  sources(): PowerSource[] {
    const { misfit } = this.#board;
    return this.#board.meters.map((meter, index) => {
      const joules = () => {
        const seconds = (this.#clock.monotonic() - this.#since) / 1000;
        const counted = Math.max(this.#counted[index] ?? 0, meter.idleWatts * seconds + (this.#deposited[index] ?? 0));
        this.#counted[index] = counted;
        return counted;
      };
      const counter = (): Reading => ({ kind: 'energy', joules: Math.floor(joules() * 1e3) / 1e3 });
      const read = misfit ? steppedPower(joules, misfit.stepWatts, this.#clock) : counter;
      return {
        name: meter.name,
        kind: 'simulated',
        boundary: meter.boundary,
        resolution: misfit ? { watts: misfit.stepWatts } : { joules: 1e-3 },
        intervalMilliseconds: misfit ? steppedMilliseconds : 1000,
        onDemand: false,
        partial: false,
        notes: ['simulated: the power of a board that is not there'],
        read: () => Promise.resolve({ reading: read() }),
      };
    });
  }
}

/** Mean power since the reading before, in steps; read again too soon, it shows what it showed. */
function steppedPower(joules: () => number, stepWatts: number, clock: Clock): () => Reading {
  let last = { joules: joules(), at: clock.monotonic(), watts: 0 };
  return () => {
    const seconds = (clock.monotonic() - last.at) / 1000;
    if (seconds * 1000 >= steppedMilliseconds / 2) {
      const total = joules();
      const watts = stepWatts * Math.round((total - last.joules) / seconds / stepWatts);
      last = { joules: total, at: clock.monotonic(), watts };
    }
    return { kind: 'power', watts: Math.max(0, last.watts) };
  };
}

/** Hidden dynamic work of one inference at the cores, without noise. `layers` count only on a board with a misfit. */
export function workOf(board: HiddenBoard, features: GraphFeatures, layers: readonly LayerCost[]): Work {
  if (board.misfit) return misfitWork(board, board.misfit, layers, board.microjoulesPerRun * 1e-6);
  const joules = coreJoules(board, features);
  return { joules, seconds: joules / board.coreWatts };
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
