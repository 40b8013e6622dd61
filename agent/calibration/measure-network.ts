// One network under the controlled loop: windows sized to the meter, until the mean is known well enough.
import type { Boundary } from '../../crds/shared.ts';
import { counted } from '../../kube/meta/counted.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { Baseline } from '../measurement/idle-baseline.ts';
import { type LoadSubject, loadSubject } from '../measurement/load-subject.ts';
import { runLoadWindow, type WindowResult, warmUpUntilFlat } from '../measurement/load-window.ts';
import { belowResolution } from '../measurement/resolution.ts';
import { joulesPerInference } from '../measurement/test-result.ts';
import type { PowerMeter } from '../power/power-meter.ts';
import type { PowerSource } from '../power/power-source.ts';
import type { ServedModel } from '../serving/served-model.ts';
import type { ProbeOutcome } from './calibration-record.ts';

export interface WindowPlan {
  /** Least windows of a network. */
  windows: number;
  /** Length of a window; slow meters and slow networks get longer ones. */
  windowSeconds: number;
}

interface Deps {
  clock: Clock;
  meter: PowerMeter;
  boundary: Boundary;
  /** Power at rest, where the boundary counts above it. */
  baseline: Baseline | undefined;
  throttled: () => readonly string[];
  temperature: () => number | undefined;
}

/** A meter that answers less often than once a second gets windows this much longer: its edges count for less. */
const slowMeterFactor = 3;
const slowMeterMilliseconds = 1000;
const leastInferences = 5;
/** More windows, up to this many times the least, while the standard error of the mean is larger. */
const wantedRelativeError = 0.01;
const mostWindowsFactor = 3;
const coolingWindows = 6;

/** How much longer a meter's windows are than asked for. */
export function windowFactor({ intervalMilliseconds }: Pick<PowerSource, 'intervalMilliseconds'>): number {
  return intervalMilliseconds > slowMeterMilliseconds ? slowMeterFactor : 1;
}

/** Measures once more after a pause when the board was throttled. @throws what the signal says. */
export async function measureNetwork(
  served: ServedModel,
  plan: WindowPlan,
  deps: Deps,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const subject = loadSubject(served, []);
  const first = await attempt(subject, plan, deps, signal);
  if (first.kind !== 'LeftOut' || first.reason !== 'Throttled') return first;
  await deps.clock.sleep(coolingWindows * plan.windowSeconds * 1000, signal);
  return await attempt(subject, plan, deps, signal);
}

async function attempt(subject: LoadSubject, plan: WindowPlan, deps: Deps, signal: AbortSignal): Promise<ProbeOutcome> {
  const { clock, meter, boundary, baseline, throttled } = deps;
  const meterage = { boundary, ...(baseline === undefined ? {} : { baseline }) };
  using _ = meter.use();
  await warmUpUntilFlat(subject, clock, signal);
  const seconds = await windowSeconds(subject, plan, meter, clock, signal);
  const windows: WindowResult[] = [];
  const reasons = new Set<string>();
  const most = plan.windows * mostWindowsFactor;
  for (let tried = 0; tried < most; tried++) {
    for (const reason of throttled()) reasons.add(reason);
    const window = await runLoadWindow(subject, meter, { seconds }, clock, signal);
    if (window.errors > 0)
      return leftOut(
        'InferenceFailed',
        `${counted(window.errors, 'inference')} failed in one window: see the log of the runtime`,
      );
    if (window.joules === undefined) continue;
    windows.push(window);
    const samples = windows.map((one) => joulesPerInference(one, meterage) ?? Number.NaN);
    if (windows.length >= plan.windows && Math.sqrt(summaryOf(samples).meanVariance) <= wantedRelativeError) break;
  }
  for (const reason of throttled()) reasons.add(reason);
  if (windows.length < plan.windows)
    return leftOut(
      'MeterGaps',
      `${meter.source.name} answered in ${windows.length} of ${most} windows: see that it is read without gaps`,
    );
  if (reasons.size > 0)
    return leftOut('Throttled', `the board was throttled (${[...reasons].join(', ')}): cool it, or supply it better`);
  const unseen = belowResolution(windows, meterage, meter.source);
  const joules = windows.map((window) => joulesPerInference(window, meterage) ?? 0);
  if (unseen !== undefined || joules.some((sample) => !(sample > 0)))
    return leftOut('BelowResolution', unseen ?? `${meter.source.name} saw no more than at rest`);
  return measured(windows, joules, deps.temperature());
}

function measured(windows: readonly WindowResult[], joules: readonly number[], temperature: number | undefined): ProbeOutcome {
  const energy = summaryOf(joules);
  const latency = summaryOf(windows.map((window) => window.seconds / window.inferences));
  return {
    kind: 'Measured',
    joules: Math.exp(energy.mean),
    joulesLogVariance: energy.meanVariance,
    seconds: Math.exp(latency.mean),
    secondsLogVariance: latency.meanVariance,
    windows: windows.length,
    inferences: windows.reduce((sum, window) => sum + window.inferences, 0),
    ...(temperature === undefined ? {} : { temperatureCelsius: temperature }),
  };
}

/** Long enough for the meter, and for some inferences of a slow network. */
async function windowSeconds(
  subject: LoadSubject,
  plan: WindowPlan,
  meter: PowerMeter,
  clock: Clock,
  signal: AbortSignal,
): Promise<number> {
  const timed = await runLoadWindow(subject, undefined, { seconds: plan.windowSeconds, enoughInferences: 2 }, clock, signal);
  const inference = timed.inferences > 0 ? timed.seconds / timed.inferences : plan.windowSeconds;
  return Math.max(windowFactor(meter.source) * plan.windowSeconds, leastInferences * inference);
}

/** Mean of the logarithms, and the variance of that mean. */
function summaryOf(samples: readonly number[]): { mean: number; meanVariance: number } {
  const logs = samples.map(Math.log);
  const count = logs.length;
  const mean = logs.reduce((sum, log) => sum + log, 0) / count;
  const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / Math.max(1, count - 1);
  return { mean, meanVariance: count > 1 ? variance / count : Number.POSITIVE_INFINITY };
}

function leftOut(reason: Extract<ProbeOutcome, { kind: 'LeftOut' }>['reason'], message: string): ProbeOutcome {
  return { kind: 'LeftOut', reason, message };
}
