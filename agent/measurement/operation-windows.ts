// Energy of models while they do their ordinary work: windows between two readings of every meter.
import type { Boundary } from '../../crds/shared.ts';
import { quantityAt } from '../../energy/prediction/verdict.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import { hasEnded } from '../has-ended.ts';
import type { NodePower } from '../power/node-power.ts';
import type { PowerMeter } from '../power/power-meter.ts';
import type { ServedModel } from '../serving/served-model.ts';
import type { DeviceTurn, LiveLoad } from './device-turn.ts';
import type { Baseline, IdleBaselines } from './idle-baseline.ts';

export interface OperationWindow {
  boundary: Boundary;
  source: string;
  inferences: number;
  seconds: number;
  /** Everything the meter saw ÷ inferences. */
  windowJoules: number;
  /** What a budget is compared with: active energy, or above idle at the core rail. Undefined without a baseline. */
  joulesPerInference?: number;
  /** Of the baseline, as it weighs on the result. */
  baselineRelativeSd: number;
  /** Names the window in answers to requests. */
  id: string;
  /** The board was slower than it could be: the window tells of the board as it was, not of the model on such a board. */
  throttled?: true;
}

interface Deps {
  clock: Clock;
  power: NodePower;
  baselines: IdleBaselines;
  turn: DeviceTurn;
  live: Pick<LiveLoad, 'preparing' | 'preparations'>;
  models: () => readonly ServedModel[];
  /** A window in which this model alone was at work. */
  onWindow: (model: ServedModel, window: OperationWindow) => void;
  /** Every window, whoever was at work in it. */
  onInterval?: (interval: OperationInterval) => void;
  windowSeconds: number;
  /** Why the board runs slower than it could at this moment. */
  throttled?: () => readonly string[];
  /** Processor seconds of the whole machine since it started; undefined where that is not known. */
  cpuSeconds?: () => Promise<number | undefined>;
}

/** What happened between two looks. */
export interface OperationInterval {
  /** Milliseconds since the epoch. */
  from: number;
  to: number;
  seconds: number;
  /** A controlled loop ran in it, or a model was loaded: what meters saw is not the ordinary work of the models. */
  disturbed: boolean;
  /** The board was throttled at its beginning or its end. */
  throttled: boolean;
  /** Only the meters that answered all the time. */
  meters: readonly { meter: PowerMeter; joules: number; baseline?: Baseline }[];
  /** All that are loaded, at work or not. */
  models: readonly ModelWork[];
  /** Processor seconds of the whole machine, whoever used them. */
  cpuSeconds?: number;
}

export interface ModelWork {
  model: ServedModel;
  inferences: number;
  modelSeconds: number;
}

interface Mark {
  at: number;
  time: number;
  meters: Map<PowerMeter, { joules: number; gapSeconds: number }>;
  models: Map<ServedModel, { inferences: number; modelSeconds: number }>;
  cpuSeconds: number | undefined;
  throttled: boolean;
  preparing: boolean;
  preparations: number;
}

export async function watchOperation(deps: Deps, signal: AbortSignal): Promise<void> {
  let before = await mark(deps, signal);
  while (!signal.aborted) {
    await deps.clock.sleep(deps.windowSeconds * 1000, signal).catch(() => {});
    if (hasEnded(signal)) return;
    const disturbed = deps.turn.held;
    const after = await mark(deps, signal);
    report(deps, intervalOf(deps, before, after, disturbed || deps.turn.held));
    before = after;
  }
}

async function mark(deps: Deps, signal: AbortSignal): Promise<Mark> {
  const meters = new Map<PowerMeter, { joules: number; gapSeconds: number }>();
  for (const meter of deps.power.meters) {
    if (!meter.source.onDemand) meters.set(meter, await meter.sample(signal));
  }
  const models = new Map(
    deps
      .models()
      .map((model) => [model, { inferences: model.statistics.inferences, modelSeconds: model.statistics.modelSeconds }]),
  );
  const cpuSeconds = await deps.cpuSeconds?.();
  const throttled = (deps.throttled?.() ?? []).length > 0;
  const { preparing, preparations } = deps.live;
  const [at, time] = [deps.clock.monotonic(), deps.clock.now()];
  return { at, time, meters, models, cpuSeconds, throttled, preparing, preparations };
}

function intervalOf(deps: Deps, before: Mark, after: Mark, disturbed: boolean): OperationInterval {
  const models = [...after.models].map(([model, now]) => {
    const then = before.models.get(model) ?? { inferences: 0, modelSeconds: 0 };
    return { model, inferences: now.inferences - then.inferences, modelSeconds: now.modelSeconds - then.modelSeconds };
  });
  const meters = [...after.meters].flatMap(([meter, now]) => {
    const then = before.meters.get(meter);
    if (!then || !meter.up || now.gapSeconds !== then.gapSeconds) return [];
    const baseline = deps.baselines.get(meter);
    return [{ meter, joules: now.joules - then.joules, ...(baseline === undefined ? {} : { baseline }) }];
  });
  const seconds = (after.at - before.at) / 1000;
  const prepared = before.preparing || before.preparations !== after.preparations;
  const known = before.cpuSeconds !== undefined && after.cpuSeconds !== undefined;
  return {
    from: after.time - seconds * 1000,
    to: after.time,
    seconds,
    disturbed: disturbed || prepared,
    throttled: before.throttled || after.throttled,
    meters,
    models,
    ...(known ? { cpuSeconds: Math.max(0, (after.cpuSeconds ?? 0) - (before.cpuSeconds ?? 0)) } : {}),
  };
}

/** A window counts for a model when it was the only one that ran in it: a board's meter cannot tell two apart. */
function report(deps: Deps, interval: OperationInterval): void {
  deps.onInterval?.(interval);
  const [only, other] = interval.models.filter(({ inferences }) => inferences > 0);
  if (interval.disturbed || !only || other) return;
  for (const { meter, joules } of interval.meters)
    deps.onWindow(only.model, {
      ...windowOf(deps, meter, joules, { ...only, seconds: interval.seconds }),
      ...(interval.throttled ? { throttled: true } : {}),
    });
}

function windowOf(
  deps: Deps,
  meter: PowerMeter,
  joules: number,
  work: { inferences: number; modelSeconds: number; seconds: number },
): OperationWindow {
  const { inferences, modelSeconds, seconds } = work;
  const { boundary, name } = meter.source;
  const baseline = deps.baselines.get(meter);
  const idle = (baseline?.watts ?? 0) * seconds;
  const marginal = (joules - idle) / inferences;
  const own = quantityAt(boundary) === 'Marginal' ? marginal : marginal + ((baseline?.watts ?? 0) * modelSeconds) / inferences;
  return {
    boundary,
    source: name,
    inferences,
    seconds,
    windowJoules: joules / inferences,
    ...(baseline === undefined ? {} : { joulesPerInference: own }),
    baselineRelativeSd: baseline === undefined || own <= 0 ? 0 : (baseline.relativeSd * idle) / inferences / own,
    id: new Date(deps.clock.now()).toISOString(),
  };
}
