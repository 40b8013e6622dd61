// One window of the controlled loop: a model back to back for some seconds, between two readings of a meter.
import type { Clock } from '../../kube/runtime/clock.ts';
import type { PowerMeter } from '../power/power-meter.ts';
import type { ServedModel } from '../serving/served-model.ts';
import type { LoadSubject } from './load-subject.ts';

/** Of a subject, what runs. */
export type LoadTarget = Pick<LoadSubject, 'inputsAt'> & { readonly model: Pick<ServedModel, 'infer'> };

export interface WindowResult {
  seconds: number;
  inferences: number;
  errors: number;
  latenciesMicroseconds: number[];
  /** Everything that the meter saw. Undefined without a meter, or when the meter had a gap. */
  joules?: number;
}

export interface WindowOptions {
  seconds: number;
  /** Ends the window early; at least this many inferences. For windows without a meter. */
  enoughInferences?: number;
}

const maximumLatencies = 20_000;

export async function runLoadWindow(
  subject: LoadTarget,
  meter: PowerMeter | undefined,
  options: WindowOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<WindowResult> {
  const before = await meter?.sample(signal);
  const started = clock.monotonic();
  const end = started + options.seconds * 1000;
  const latenciesMicroseconds: number[] = [];
  let inferences = 0;
  let errors = 0;
  while (clock.monotonic() < end && inferences < (options.enoughInferences ?? Number.POSITIVE_INFINITY)) {
    signal.throwIfAborted();
    const begun = clock.monotonic();
    try {
      await subject.model.infer({ inputs: subject.inputsAt(inferences), outputs: [], signal });
      if (latenciesMicroseconds.length < maximumLatencies) latenciesMicroseconds.push((clock.monotonic() - begun) * 1000);
      inferences++;
    } catch {
      signal.throwIfAborted();
      errors++;
      // A model that is being started again refuses at once: not a reason to spin.
      await clock.sleep(100, signal);
    }
  }
  const after = await meter?.sample(signal);
  const seconds = (clock.monotonic() - started) / 1000;
  const whole = before && after && meter?.up && after.gapSeconds === before.gapSeconds;
  const joules = whole ? after.joules - before.joules : undefined;
  return { seconds, inferences, errors, latenciesMicroseconds, ...(joules === undefined ? {} : { joules }) };
}

const flatRelative = 0.05;
const warmUpSeconds = 0.5;
const maximumWarmUpRounds = 12;

/**
 * Runs until the median latency of one round is within 5 % of the round before, or twelve rounds have passed.
 * @returns joules that the meter saw meanwhile: they are part of what a measurement costs
 */
export async function warmUpUntilFlat(
  subject: LoadTarget,
  clock: Clock,
  signal: AbortSignal,
  meter?: PowerMeter,
): Promise<number> {
  let spent = 0;
  let last = Number.POSITIVE_INFINITY;
  for (let round = 0; round < maximumWarmUpRounds; round++) {
    const window = await runLoadWindow(subject, meter, { seconds: warmUpSeconds, enoughInferences: 500 }, clock, signal);
    spent += window.joules ?? 0;
    const median = window.latenciesMicroseconds.toSorted((a, b) => a - b)[Math.floor(window.latenciesMicroseconds.length / 2)];
    if (median === undefined) continue;
    if (Math.abs(median / last - 1) < flatRelative) break;
    last = median;
  }
  return spent;
}
