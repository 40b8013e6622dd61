// One rollout through the real decisions of both sides, on a board whose power wanders: the controller's planner orders looks,
// the agent's own figures answer them. Only the board, its meter and the time are made up.
import type { WindowResult } from '../../agent/measurement/load-window.ts';
import { absoluteFigures, type Meterage, pairedFigures, type Quad } from '../../agent/measurement/test-result.ts';
import type { EnergyTestStatus } from '../../crds/model-instance.ts';
import { looks } from '../../energy/measurement/sequential-test.ts';
import { PlannedFleet } from '../unit/controller/planned-fleet.ts';
import { NoisyBoard, type Scenario } from './noisy-board.ts';

export interface SimulatedRollout {
  seed: number;
  scenario: Scenario;
  /** `successor`: compared with what serves. `first`: against its budget. */
  kind: 'successor' | 'first';
  /** Energy of the candidate, over that of the active model or over the budget. */
  ratio: number;
}

export interface RolloutOutcome {
  verdict: 'promoted' | 'rejected' | 'inconclusive';
  /** Windows of the loop, all looks together. */
  windows: number;
  seconds: number;
  /** What the board drew meanwhile, and how much of it beyond what it would have drawn idle. */
  joules: number;
  joulesAboveIdle: number;
}

const activeWatts = 5;
const idleWatts = 2.7;
const inferencesPerSecond = 100;
const joulesPerInference = activeWatts / inferencesPerSecond;

export function simulateRollout({ seed, scenario, kind, ratio }: SimulatedRollout): RolloutOutcome {
  const budgetJoules = kind === 'first' ? joulesPerInference : 10 * joulesPerInference;
  const fleet = new PlannedFleet({
    spec: { budget: { energyPerInference: `${budgetJoules * 1000}mJ`, boundary: 'Board' }, rollout: { analysis: {} } },
    devices: { 'pi-1': 'pi' },
    // Known well enough for the first version of a successor to need no test.
    predictions: kind === 'successor' ? { pi: { joules: [0.05, 0.045, 0.055] } } : {},
  });
  if (kind === 'successor') {
    fleet.settle();
    fleet.ask(fleet.release('cell-2', 'b'));
  }
  const device = new SimulatedDevice(seed, scenario, ratio);
  for (let round = 0; round < 60; round++) {
    const wrote = fleet.pass();
    const reported = fleet.report();
    fleet.reportTests('pi-1', (test) => device.carryOut(test));
    const verdict = verdictOf(fleet, kind);
    if (verdict) return { verdict, ...device.cost() };
    if (!wrote && !reported) break;
  }
  throw new Error(`a rollout did not end (seed ${seed}): ${JSON.stringify(fleet.deployment.status?.conditions)}`);
}

function verdictOf(fleet: PlannedFleet, kind: SimulatedRollout['kind']): RolloutOutcome['verdict'] | undefined {
  const reasons = fleet.deployment.status?.rejectedRevisions?.map(({ reason }) => reason) ?? [];
  if (reasons.length > 0) {
    const wanted = kind === 'successor' ? 'EnergyIncreased' : 'BudgetExceededMeasured';
    if (reasons[0] !== wanted) throw new Error(`rejected for ${reasons[0]}, not for its energy`);
    return 'rejected';
  }
  if (fleet.condition('RolledOut') === 'False Inconclusive') return 'inconclusive';
  return fleet.slots('pi-1').active === (kind === 'successor' ? 'cell-2' : 'cell-1') ? 'promoted' : undefined;
}

/** Runs the loop as the agent does, window after window on one board that is never restarted. */
class SimulatedDevice {
  readonly #board: NoisyBoard;
  readonly #scenario: Scenario;
  readonly #ratio: number;
  readonly #quads: Quad[] = [];
  readonly #windows: WindowResult[] = [];
  #count = 0;
  #joules = 0;

  constructor(seed: number, scenario: Scenario, ratio: number) {
    this.#board = new NoisyBoard(seed, scenario.rho, scenario.sd);
    this.#scenario = scenario;
    this.#ratio = ratio;
  }

  carryOut(test: EnergyTestStatus): EnergyTestStatus {
    if (test.kind === 'Traffic') return test;
    const { meanLog: _, varianceLog: __, energy: ___, energyAbsent: ____, ...order } = test;
    const time = order.time ?? '';
    const meterage: Meterage = {
      boundary: 'Board',
      source: 'simulated',
      gainRelativeSd: 0.01,
      confidencePercent: 100 - 10 / looks.length,
    };
    if (test.kind === 'Absolute') {
      while (this.#windows.length < test.windows) this.#windows.push(this.#window(this.#ratio));
      return { ...order, windowsDone: this.#windows.length, ...absoluteFigures(this.#windows, meterage, time) };
    }
    while (this.#quads.length < test.windows) {
      const first = this.#window(1);
      const candidate: Quad['candidate'] = [this.#window(this.#ratio), this.#window(this.#ratio)];
      this.#quads.push({ active: [first, this.#window(1)], candidate });
    }
    return { ...order, windowsDone: this.#quads.length, ...pairedFigures(this.#quads, meterage, time) };
  }

  cost(): Omit<RolloutOutcome, 'verdict'> {
    const seconds = this.#count * this.#scenario.seconds;
    return { windows: this.#count, seconds, joules: this.#joules, joulesAboveIdle: this.#joules - idleWatts * seconds };
  }

  #window(ratio: number): WindowResult {
    const { seconds, meter } = this.#scenario;
    const joules = this.#board.window(activeWatts * ratio, seconds, meter) * seconds;
    this.#count += 1;
    this.#joules += joules;
    return { seconds, inferences: seconds * inferencesPerSecond, errors: 0, latenciesMicroseconds: [], joules };
  }
}

export interface RolloutStatistics {
  shares: Record<RolloutOutcome['verdict'], number>;
  /** Medians, and the most. */
  seconds: [median: number, most: number];
  joules: [median: number, most: number];
  joulesAboveIdle: [median: number, most: number];
}

export function simulateMany(count: number, firstSeed: number, rollout: Omit<SimulatedRollout, 'seed'>): RolloutStatistics {
  const outcomes = Array.from({ length: count }, (_, index) => simulateRollout({ ...rollout, seed: firstSeed + index }));
  const share = (verdict: RolloutOutcome['verdict']) => outcomes.filter((one) => one.verdict === verdict).length / count;
  const spread = (of: (outcome: RolloutOutcome) => number): [number, number] => {
    const sorted = outcomes.map(of).sort((a, b) => a - b);
    return [sorted[Math.floor(count / 2)] ?? Number.NaN, sorted.at(-1) ?? Number.NaN];
  };
  return {
    shares: { promoted: share('promoted'), rejected: share('rejected'), inconclusive: share('inconclusive') },
    seconds: spread((one) => one.seconds),
    joules: spread((one) => one.joules),
    joulesAboveIdle: spread((one) => one.joulesAboveIdle),
  };
}
