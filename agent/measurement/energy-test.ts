// Carries out an order to run the controlled loop, and tells after each window how far it is.
import type { Budget } from '../../crds/model-deployment.ts';
import type { EnergyTestOrder, EnergyTestStatus } from '../../crds/model-instance.ts';
import type { Boundary } from '../../crds/shared.ts';
import { formatEnergy } from '../../energy/units.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { NodePower } from '../power/node-power.ts';
import type { PowerMeter } from '../power/power-meter.ts';
import type { DeviceTurn, LiveLoad } from './device-turn.ts';
import type { IdleBaselines } from './idle-baseline.ts';
import type { LoadSubject } from './load-subject.ts';
import { runLoadWindow, type WindowResult, warmUpUntilFlat } from './load-window.ts';
import { belowResolution } from './resolution.ts';
import { beginProgress, type TestProgress, thinned } from './test-progress.ts';
import { absoluteFigures, type Meterage, pairedFigures, trafficFigures } from './test-result.ts';

export interface TestSubjects {
  /** For Paired: what serves now. */
  active?: LoadSubject;
  /** What is tested. */
  subject: LoadSubject;
}

interface Deps {
  clock: Clock;
  power: NodePower;
  baselines: IdleBaselines;
  turn: DeviceTurn;
  live: LiveLoad;
  /** 10 s, or more for a slow meter. */
  windowSeconds: number;
  /** Why the board runs slower than it could at this moment. */
  throttled: () => readonly string[];
}

/** An INA meter's scale is known to about one percent. */
const gainRelativeSd = 0.01;
const minimumWindows = 6;
/** A quad is measured whole or not at all. */
const windowsEach = { Absolute: 1, Paired: 4 } as const;
/** Windows that only count errors and latencies need not be long. */
const trafficWindow = { seconds: 2, enoughInferences: 200 };
const slowMeterMilliseconds = 1000;
const slowWindowSeconds = 60;

/** With the progress of an earlier look, only the windows that are still missing are measured. */
export async function runEnergyTest(
  order: EnergyTestOrder,
  subjects: TestSubjects,
  budget: Budget | undefined,
  deps: Deps,
  tell: (status: EnergyTestStatus) => void,
  signal: AbortSignal,
  progress: TestProgress = beginProgress(new Date(deps.clock.now()).toISOString()),
): Promise<void> {
  const { startTime } = progress;
  const base = { id: order.id, kind: order.kind, windows: order.windows, startTime };
  const message = deps.turn.held
    ? 'another measurement runs on this device'
    : 'the model is warmed up and the idle device measured';
  const windowsDone = order.kind === 'Paired' ? progress.quads.length : progress.windows.length;
  tell({ ...base, state: 'Waiting', windowsDone, windowsTried: progress.tried, reason: 'Waiting', message });
  await deps.turn.run(async () => {
    const loop = new Loop(base, order, subjects, budget, deps, tell, progress);
    await loop.run(signal);
  });
}

class Loop {
  readonly #base: Pick<EnergyTestStatus, 'id' | 'kind' | 'windows' | 'startTime'>;
  readonly #order: EnergyTestOrder;
  readonly #subjects: TestSubjects;
  readonly #deps: Deps;
  readonly #tell: (status: EnergyTestStatus) => void;
  readonly #boundary: Boundary;
  readonly #meter: PowerMeter | undefined;
  readonly #confidencePercent: number;
  readonly #maximumWindows: number;
  readonly #idleLoadPercent: number;
  readonly #progress: TestProgress;
  #meterage: Meterage | undefined;
  #absent: EnergyTestStatus['energyAbsent'];

  constructor(
    base: Pick<EnergyTestStatus, 'id' | 'kind' | 'windows' | 'startTime'>,
    order: EnergyTestOrder,
    subjects: TestSubjects,
    budget: Budget | undefined,
    deps: Deps,
    tell: (status: EnergyTestStatus) => void,
    progress: TestProgress,
  ) {
    this.#base = base;
    this.#order = order;
    this.#subjects = subjects;
    this.#deps = deps;
    this.#tell = tell;
    this.#progress = progress;
    this.#boundary = budget?.boundary ?? 'Board';
    this.#meter = deps.power.at(this.#boundary);
    this.#confidencePercent = budget?.confidencePercent ?? 90;
    this.#maximumWindows = budget?.energyTest?.maximumWindows ?? 96;
    this.#idleLoadPercent = budget?.energyTest?.idleLoadPercent ?? 20;
  }

  async run(signal: AbortSignal): Promise<void> {
    const wanted = Math.max(minimumWindows, this.#order.windows);
    await this.#prepare(signal);
    await this.#warmUp(signal);
    this.#publish('Running');
    while (this.#done() < wanted) {
      if (this.#progress.tried + windowsEach[this.#order.kind] > this.#maximumWindows) {
        this.#publish(
          'Aborted',
          'TooFewWindows',
          `${this.#done()} of ${wanted} windows were undisturbed after ${this.#progress.tried} tries, the most that the budget allows`,
        );
        return;
      }
      if (this.#order.kind === 'Paired') await this.#quad(signal);
      else await this.#absolute(signal);
      this.#publish(this.#done() < wanted ? 'Running' : 'Completed');
    }
  }

  async #warmUp(signal: AbortSignal): Promise<void> {
    using _ = this.#meter?.use();
    this.#progress.spentJoules += await warmUpUntilFlat(this.#subjects.subject, this.#deps.clock, signal, this.#meter);
  }

  #done(): number {
    return this.#order.kind === 'Paired' ? this.#progress.quads.length : this.#progress.windows.length;
  }

  /** Waits for an idle device and measures its baseline where the boundary counts above idle. */
  async #prepare(signal: AbortSignal): Promise<void> {
    const meter = this.#meter;
    if (!meter) {
      this.#absent = {
        reason: 'NoPowerSource',
        message: `this device has no power source at boundary ${this.#boundary}: errors and latency were tested, energy was not`,
      };
      return;
    }
    await this.#waitForIdle(signal);
    let baseline = this.#deps.baselines.get(meter);
    for (let attempt = 0; !baseline && attempt < 3; attempt++) baseline = await this.#deps.baselines.ensure(meter, signal);
    this.#meterage = {
      boundary: this.#boundary,
      source: meter.source.name,
      gainRelativeSd,
      confidencePercent: this.#confidencePercent,
      ...(baseline === undefined ? {} : { baseline }),
    };
    if (!baseline && this.#boundary === 'CoreRail')
      this.#absent = {
        reason: 'NoIdlePower',
        message: `the idle power at ${this.#boundary} could not be measured: the device was never idle long enough`,
      };
  }

  async #waitForIdle(signal: AbortSignal): Promise<void> {
    const { live } = this.#deps;
    while (live.preparing || live.percent() > this.#idleLoadPercent) {
      const busy = `requests keep this device ${Math.round(live.percent())} % busy; the test runs below ${this.#idleLoadPercent} %`;
      this.#publish('Waiting', 'DeviceBusy', live.preparing ? 'a model is being loaded on this device' : busy);
      await this.#deps.clock.sleep(5000, signal);
    }
  }

  async #absolute(signal: AbortSignal): Promise<void> {
    const window = await this.#window(this.#subjects.subject, signal);
    if (window) this.#progress.windows.push(window);
  }

  async #quad(signal: AbortSignal): Promise<void> {
    const { active, subject } = this.#subjects;
    if (!active) throw new Error('a paired test needs an active model');
    const a1 = await this.#window(active, signal);
    const b1 = await this.#window(subject, signal);
    const b2 = await this.#window(subject, signal);
    const a2 = await this.#window(active, signal);
    if (a1 && a2 && b1 && b2) this.#progress.quads.push({ active: [a1, a2], candidate: [b1, b2] });
  }

  /** Undefined when anything else ran in it, a request or the load of another model: such a window measures something else. */
  async #window(subject: LoadSubject, signal: AbortSignal): Promise<WindowResult | undefined> {
    const { clock, live, throttled } = this.#deps;
    await this.#waitForIdle(signal);
    this.#progress.tried++;
    const throttledBefore = throttled();
    const meter = this.#meter;
    using _ = meter?.use();
    const before = live.inferences;
    const loads = live.preparations;
    const options = meter ? { seconds: this.#windowSeconds(meter) } : trafficWindow;
    const window = await runLoadWindow(subject, meter, options, clock, signal);
    this.#progress.spentJoules += window.joules ?? 0;
    const others = live.inferences - before - window.inferences;
    if (meter && (others > 0 || live.preparations > loads)) return undefined;
    for (const reason of [...throttledBefore, ...throttled()]) this.#progress.throttled.add(reason);
    return thinned(window);
  }

  #windowSeconds(meter: PowerMeter): number {
    return meter.source.intervalMilliseconds > slowMeterMilliseconds
      ? Math.max(slowWindowSeconds, this.#deps.windowSeconds)
      : this.#deps.windowSeconds;
  }

  #publish(state: EnergyTestStatus['state'], reason?: string, message?: string): void {
    const time = new Date(this.#deps.clock.now()).toISOString();
    const tested =
      this.#order.kind === 'Paired' ? this.#progress.quads.flatMap((quad) => quad.candidate) : this.#progress.windows;
    const figures = this.#figures(tested, time);
    const missing = figures.energyAbsent ?? this.#absent;
    this.#tell({
      ...this.#base,
      state,
      windowsDone: this.#done(),
      windowsTried: this.#progress.tried,
      time,
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message }),
      ...(this.#done() === 0 ? {} : trafficFigures(tested)),
      ...figures,
      ...(missing === undefined ? {} : { energyAbsent: missing }),
      ...(this.#progress.throttled.size === 0
        ? {}
        : { throttled: [...this.#progress.throttled].sort((a, b) => (a < b ? -1 : 1)).slice(0, 16) }),
      ...(this.#progress.spentJoules === 0 ? {} : { energySpent: formatEnergy(this.#progress.spentJoules) }),
    });
  }

  #figures(tested: readonly WindowResult[], time: string): Partial<EnergyTestStatus> {
    if (!this.#meterage || !this.#meter || this.#absent || tested.length === 0) return {};
    const unseen = belowResolution(tested, this.#meterage, this.#meter.source);
    if (unseen) return { energyAbsent: { reason: 'BelowResolution', message: unseen } };
    return this.#order.kind === 'Paired'
      ? pairedFigures(this.#progress.quads, this.#meterage, time)
      : absoluteFigures(this.#progress.windows, this.#meterage, time);
  }
}
