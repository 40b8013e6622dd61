import type { Logger } from 'pino';
import type { Clock } from '../../kube/runtime/clock.ts';
import { hasEnded } from '../has-ended.ts';
import { type Integrated, Integrator } from './integrator.ts';
import type { PowerSource, Rail } from './power-source.ts';

/** Samples one source in the background and keeps its total; says when the source stopped answering. */
export class PowerMeter {
  readonly source: PowerSource;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #integrator: Integrator;
  readonly #railIntegrators = new Map<string, Integrator>();
  #up = false;
  #watts: number | undefined;
  #lastCounter: { joules: number; at: number } | undefined;
  #reading: Promise<void> | undefined;
  #failures = 0;
  #users = 0;
  #wake = Promise.withResolvers<void>();

  constructor(source: PowerSource, deps: { clock: Clock; logger: Logger }) {
    this.source = source;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#integrator = new Integrator(source.intervalMilliseconds);
  }

  get up(): boolean {
    return this.#up;
  }

  /** Whether it has been read once, with success or without. */
  get asked(): boolean {
    return this.#up || this.#failures > 0;
  }

  /** Of the last reading; undefined while the source does not answer. */
  get watts(): number | undefined {
    return this.#up ? this.#watts : undefined;
  }

  get total(): Integrated {
    return this.#integrator.total;
  }

  get rails(): readonly { name: string; joules: number }[] {
    return [...this.#railIntegrators].map(([name, integrator]) => ({ name, joules: integrator.total.joules }));
  }

  /** Reads now, so that a window's edge lies where it should. @returns the total. */
  async sample(signal: AbortSignal): Promise<Integrated> {
    // Whoever waited longest goes first; a source is never read twice at a time.
    while (this.#reading) await this.#reading;
    this.#reading = this.#read(signal).finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
    return this.total;
  }

  /** Keeps an on-demand source sampled until disposed. */
  use(): Disposable {
    this.#users++;
    this.#wake.resolve();
    return {
      [Symbol.dispose]: () => {
        this.#users--;
        if (this.#users === 0 && this.source.onDemand) this.#integrator.rest();
      },
    };
  }

  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake.resolve(), { once: true });
    while (!signal.aborted) {
      try {
        if (this.source.onDemand && this.#users === 0) {
          this.#wake = Promise.withResolvers();
          await this.#wake.promise;
          continue;
        }
        await this.sample(signal);
        // A source that fails is asked less and less often, up to once a minute.
        const pause = Math.min(60_000, this.source.intervalMilliseconds * 2 ** Math.min(this.#failures, 8));
        await this.#clock.sleep(pause, signal);
      } catch (error) {
        if (!hasEnded(signal)) throw error;
      }
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    try {
      const before = this.#clock.monotonic();
      const { reading, rails } = await this.source.read(signal);
      const at = (before + this.#clock.monotonic()) / 2;
      this.#integrator.add(reading, at);
      this.#addRails(rails ?? [], at);
      if (reading.kind === 'power') this.#watts = reading.watts;
      else this.#meanPower(reading.joules, at);
      if (!this.#up && this.#failures > 0) this.#logger.info({ source: this.source.name }, 'the power source answers again');
      this.#up = true;
      this.#failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      this.#failures++;
      if (this.#up || this.#failures === 1)
        this.#logger.warn({ source: this.source.name, err: error }, 'the power source does not answer');
      this.#up = false;
      this.#lastCounter = undefined;
      this.#integrator.interrupt();
      for (const integrator of this.#railIntegrators.values()) integrator.interrupt();
    }
  }

  #addRails(rails: readonly Rail[], at: number): void {
    for (const rail of rails) {
      const integrator = this.#railIntegrators.get(rail.name) ?? new Integrator(this.source.intervalMilliseconds);
      this.#railIntegrators.set(rail.name, integrator);
      integrator.add({ kind: 'power', watts: rail.watts }, at);
    }
  }

  #meanPower(joules: number, at: number): void {
    const last = this.#lastCounter;
    if (last && at - last.at < this.source.intervalMilliseconds / 2) return;
    this.#watts = last && joules >= last.joules ? (joules - last.joules) / ((at - last.at) / 1000) : undefined;
    this.#lastCounter = { joules, at };
  }
}
