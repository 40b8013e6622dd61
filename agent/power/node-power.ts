// All power sources of this device, and which of them is its total.
import type { Logger } from 'pino';
import { type Boundary, boundaries } from '../../energy/prediction/prediction.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import { PowerMeter } from './power-meter.ts';
import type { PowerSource } from './power-source.ts';

/** What one probe of the system found, or why it did not: the lines of /debug/sensors. */
export interface Probe {
  looked: string;
  found: PowerSource[];
  /** Why nothing, or why some of it is not used. */
  why?: string;
}

/** Exactly one source is the node's total: the widest boundary; of equals the finer, then the first found. A core rail is never a total. */
export function chooseTotal(sources: readonly PowerSource[]): PowerSource | undefined {
  return sources
    .filter((source) => source.boundary !== 'CoreRail' && !source.onDemand && !source.partial)
    .toSorted(
      (a, b) =>
        boundaries.indexOf(a.boundary) - boundaries.indexOf(b.boundary) || a.intervalMilliseconds - b.intervalMilliseconds,
    )[0];
}

export class NodePower {
  readonly probes: readonly Probe[];
  readonly #deps: { clock: Clock; logger: Logger };
  readonly #meters: PowerMeter[];
  #total: PowerMeter | undefined;
  #running: AbortSignal | undefined;

  constructor(probes: readonly Probe[], deps: { clock: Clock; logger: Logger }) {
    this.probes = probes;
    this.#deps = deps;
    this.#meters = probes.flatMap((probe) => probe.found).map((source) => new PowerMeter(source, deps));
    this.#choose();
  }

  get meters(): readonly PowerMeter[] {
    return this.#meters;
  }

  get total(): PowerMeter | undefined {
    return this.#total;
  }

  /** A source that was not there at the start; it may become the total. */
  add(source: PowerSource): void {
    const meter = new PowerMeter(source, this.#deps);
    this.#meters.push(meter);
    this.#choose();
    if (this.#running) void meter.run(this.#running);
  }

  /** The meter whose boundary is the budget's, whatever the total is. */
  at(boundary: Boundary): PowerMeter | undefined {
    const matching = this.#meters.filter(({ source }) => source.boundary === boundary && !source.partial);
    return matching.find((meter) => meter === this.#total) ?? matching[0];
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#running = signal;
    await Promise.all(this.#meters.map((meter) => meter.run(signal)));
  }

  #choose(): void {
    const total = chooseTotal(this.#meters.map((meter) => meter.source));
    this.#total = this.#meters.find((meter) => meter.source === total);
  }
}
