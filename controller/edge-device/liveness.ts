// Who is alive, from Leases: judged by silence that this process observed itself, never by another machine's clock.
import type { Lease } from '../../kube/api/builtins.ts';
import type { Clock } from '../../kube/runtime/clock.ts';

interface Observation {
  renewTime: string | undefined;
  /** Monotonic, of the last change seen. */
  changedAt: number;
  /** A renewal happened while this process watched. */
  witnessed: boolean;
}

export type Liveness =
  | { kind: 'neverSeen' }
  | { kind: 'alive'; recheckSeconds: number }
  /** Nothing was witnessed yet: what the status says goes on until the time is up. */
  | { kind: 'unproven'; recheckSeconds: number; recentByItsClock: boolean }
  | { kind: 'silent'; seconds: number; lastRenewal: string };

export class LivenessTracker {
  readonly #clock: Clock;
  readonly #lostSeconds: number;
  readonly #observations = new Map<string, Observation>();

  constructor(clock: Clock, lostSeconds: number) {
    this.#clock = clock;
    this.#lostSeconds = lostSeconds;
  }

  observe(lease: Lease): void {
    const name = lease.metadata.name;
    const renewTime = lease.spec?.renewTime;
    const known = this.#observations.get(name);
    if (known?.renewTime === renewTime && known) return;
    this.#observations.set(name, { renewTime, changedAt: this.#clock.monotonic(), witnessed: known !== undefined });
  }

  forget(name: string): void {
    this.#observations.delete(name);
  }

  judge(name: string): Liveness {
    const observation = this.#observations.get(name);
    if (observation?.renewTime === undefined) return { kind: 'neverSeen' };
    const silence = (this.#clock.monotonic() - observation.changedAt) / 1000;
    const recheckSeconds = Math.max(0.5, this.#lostSeconds - silence);
    if (silence >= this.#lostSeconds) {
      const ownAge = (this.#clock.now() - Date.parse(observation.renewTime)) / 1000;
      return {
        kind: 'silent',
        seconds: Math.round(observation.witnessed ? silence : Math.max(silence, ownAge)),
        lastRenewal: observation.renewTime,
      };
    }
    if (observation.witnessed) return { kind: 'alive', recheckSeconds };
    const age = (this.#clock.now() - Date.parse(observation.renewTime)) / 1000;
    return { kind: 'unproven', recheckSeconds, recentByItsClock: Math.abs(age) < this.#lostSeconds };
  }
}
