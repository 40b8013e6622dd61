import type { Clock } from '../../kube/runtime/clock.ts';
import type { PowerMeter } from '../power/power-meter.ts';

export interface Baseline {
  watts: number;
  /** Standard error of the mean, relative. */
  relativeSd: number;
  source: string;
  /** Milliseconds since the epoch. */
  time: number;
  /** Monotonic milliseconds. */
  at: number;
  temperatureCelsius?: number;
}

/** A baseline on disk. */
export type BaselineRecord = Omit<Baseline, 'at'>;

interface Deps {
  clock: Clock;
  /** Monotonic milliseconds of the last inference on this device, of any model. */
  lastInference: () => number;
  temperature: () => number | undefined;
  /** Length of a baseline's part, five of which make one. */
  partSeconds: number;
}

const parts = 5;
const settleMilliseconds = 1000;
const expiresMilliseconds = 3_600_000;
const expiresCelsius = 5;

/** What the device draws with its models loaded and no request: per meter, good for an hour or five degrees. */
export class IdleBaselines {
  readonly #deps: Deps;
  /** By the name of the source. */
  readonly #baselines = new Map<string, Baseline>();
  readonly #measuring = new Map<PowerMeter, Promise<Baseline | undefined>>();

  /** @param before baselines from before a restart: they expire as any, and one from the future has expired. */
  constructor(deps: Deps, before: readonly BaselineRecord[] = []) {
    this.#deps = deps;
    for (const baseline of before) {
      const age = deps.clock.now() - baseline.time;
      const at = age < 0 ? Number.NEGATIVE_INFINITY : deps.clock.monotonic() - age;
      this.#baselines.set(baseline.source, { ...baseline, at });
    }
  }

  records(): BaselineRecord[] {
    return [...this.#baselines.values()].map(({ watts, relativeSd, source, time, temperatureCelsius }) => ({
      watts,
      relativeSd,
      source,
      time,
      ...(temperatureCelsius === undefined ? {} : { temperatureCelsius }),
    }));
  }

  /** Undefined when there is none or it has expired. */
  get(meter: PowerMeter): Baseline | undefined {
    const baseline = this.last(meter);
    if (!baseline) return undefined;
    if (this.#deps.clock.monotonic() - baseline.at > expiresMilliseconds) return undefined;
    const now = this.#deps.temperature();
    const moved =
      now !== undefined &&
      baseline.temperatureCelsius !== undefined &&
      Math.abs(now - baseline.temperatureCelsius) > expiresCelsius;
    return moved ? undefined : baseline;
  }

  /** The last one, expired or not: for status, which shows its time. */
  last(meter: PowerMeter): Baseline | undefined {
    return this.#baselines.get(meter.source.name);
  }

  /** Measures when needed. Undefined when a request came in between or the meter does not answer. */
  ensure(meter: PowerMeter, signal: AbortSignal): Promise<Baseline | undefined> {
    const known = this.get(meter);
    if (known) return Promise.resolve(known);
    const running = this.#measuring.get(meter) ?? this.#measure(meter, signal).finally(() => this.#measuring.delete(meter));
    this.#measuring.set(meter, running);
    return running;
  }

  async #measure(meter: PowerMeter, signal: AbortSignal): Promise<Baseline | undefined> {
    const { clock } = this.#deps;
    using _ = meter.use();
    const quiet = this.#deps.lastInference() + settleMilliseconds - clock.monotonic();
    if (quiet > 0) await clock.sleep(quiet, signal);
    const started = clock.monotonic();
    const watts: number[] = [];
    for (let part = 0; part < parts; part++) {
      const [before, from] = [await meter.sample(signal), clock.monotonic()];
      await clock.sleep(this.#deps.partSeconds * 1000, signal);
      const [after, to] = [await meter.sample(signal), clock.monotonic()];
      if (!meter.up || after.gapSeconds !== before.gapSeconds || this.#deps.lastInference() > started) return undefined;
      watts.push((after.joules - before.joules) / ((to - from) / 1000));
    }
    const mean = watts.reduce((sum, value) => sum + value, 0) / parts;
    const variance = watts.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (parts - 1);
    const temperatureCelsius = this.#deps.temperature();
    const baseline: Baseline = {
      watts: mean,
      relativeSd: mean > 0 ? Math.sqrt(variance / parts) / mean : 0,
      source: meter.source.name,
      time: clock.now(),
      at: clock.monotonic(),
      ...(temperatureCelsius === undefined ? {} : { temperatureCelsius }),
    };
    this.#baselines.set(meter.source.name, baseline);
    return baseline;
  }
}
