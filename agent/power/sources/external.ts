import { boundaries } from '../../../energy/prediction/prediction.ts';
import type { Clock } from '../../../kube/runtime/clock.ts';
import type { PowerSource } from '../power-source.ts';
import { type ExternalPush, PushError } from './external-push.ts';

interface Counter {
  joules: number;
  pushedAt: number;
  monotonicSeconds?: number;
}

/** Without a push for this long the source counts as gone. */
const staleMilliseconds = 60_000;
const maximumSources = 8;

/** Sources that other programs feed. Each becomes a meter with its first push. */
export class ExternalSources {
  readonly #clock: Clock;
  readonly #onNew: (source: PowerSource) => void;
  readonly #counters = new Map<string, Counter>();

  constructor(deps: { clock: Clock; onNew: (source: PowerSource) => void }) {
    this.#clock = deps.clock;
    this.#onNew = deps.onNew;
  }

  /** @throws PushError for a push that was counted already, or one source too many. */
  accept(push: ExternalPush): void {
    const key = `${push.source}:${push.boundary}`;
    const known = this.#counters.get(key);
    if (
      known?.monotonicSeconds !== undefined &&
      push.monotonicSeconds !== undefined &&
      push.monotonicSeconds <= known.monotonicSeconds
    )
      throw new PushError(
        `monotonic_s is ${push.monotonicSeconds}, the last push of ${push.source} had ${known.monotonicSeconds}: it was counted already`,
      );
    const elsewhere = boundaries.find((boundary) => this.#counters.has(`${push.source}:${boundary}`));
    if (!known && elsewhere !== undefined)
      throw new PushError(
        `source ${push.source} measures at ${elsewhere}: give what measures at ${push.boundary} a name of its own`,
      );
    if (!known && this.#counters.size >= maximumSources)
      throw new PushError(`there are ${maximumSources} external sources already`);
    const counter: Counter = {
      joules: (known?.joules ?? 0) + push.joules,
      pushedAt: this.#clock.monotonic(),
      ...(push.monotonicSeconds === undefined ? {} : { monotonicSeconds: push.monotonicSeconds }),
    };
    this.#counters.set(key, counter);
    if (!known) this.#onNew(this.#source(key, push));
  }

  #source(key: string, { source, boundary }: ExternalPush): PowerSource {
    return {
      name: `external:${source}`,
      kind: 'external',
      boundary,
      resolution: { joules: 1e-3 },
      intervalMilliseconds: 2000,
      onDemand: false,
      partial: false,
      notes: ['pushed by another program to /telemetry; the boundary is what that program says'],
      read: () => {
        const counter = this.#counters.get(key);
        if (!counter || this.#clock.monotonic() - counter.pushedAt > staleMilliseconds)
          return Promise.reject(new Error(`external source ${source} has pushed nothing for ${staleMilliseconds / 1000} s`));
        return Promise.resolve({ reading: { kind: 'energy', joules: counter.joules } });
      },
    };
  }
}
