// This device's credentials while it runs: renewed in time, and asked for anew when they and the API server no longer go together.
import type { Logger } from 'pino';
import type { Connection } from '../../kube/api/connection.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import { hasEnded } from '../has-ended.ts';
import { retrySeconds } from '../retry-wait.ts';
import { connectionOf, type DeviceIdentity, lifetimeOf } from './device-identity.ts';

export interface IdentityKeeperDeps {
  clock: Clock;
  logger: Logger;
  /** Asks the controller, with the identity in use; the answer says which authority the API server has now. */
  renew: (identity: DeviceIdentity, signal: AbortSignal) => Promise<DeviceIdentity>;
  /** Puts it on disk. Resolves before it is used. */
  keep: (renewed: DeviceIdentity) => Promise<void>;
}

const checkSeconds = 600;
/** Between questions that the API server's refusals lead to: whatever is wrong, a fleet must not drum at its controller. */
const firstRetrySeconds = 2;
const maximumRetrySeconds = 600;
/** A call that was refused waits this long for new credentials: a certificate that is signed slowly must not hold up everything. */
const patienceSeconds = 5;

export class IdentityKeeper {
  readonly #deps: IdentityKeeperDeps;
  readonly #signal: AbortSignal;
  #identity: DeviceIdentity;
  #renewing: Promise<void> | undefined;
  #refusals = 0;
  /** By the monotonic clock. */
  #notBefore = Number.NEGATIVE_INFINITY;

  /** @param signal ends calls that are under way */
  constructor(deps: IdentityKeeperDeps, identity: DeviceIdentity, signal: AbortSignal) {
    this.#deps = deps;
    this.#identity = identity;
    this.#signal = signal;
  }

  /**
   * To the API server, with what is known now. Its `refresh` is called after a 401, and after a certificate of an authority that
   * nobody told this device of: what was renewed in the meantime is the answer, or else the controller is asked.
   */
  connection(): Connection {
    const used = this.#identity;
    return {
      ...connectionOf(used),
      refresh: async () => {
        if (this.#identity === used) await this.#askAgain();
        return this.connection();
      },
    };
  }

  /** The API server took the credentials. */
  accepted(): void {
    this.#refusals = 0;
  }

  /** Renews at two thirds of the certificate's life, until the signal ends it. */
  async run(): Promise<void> {
    const { clock } = this.#deps;
    while (!hasEnded(this.#signal)) {
      if (clock.now() >= lifetimeOf(this.#identity.certificate).renewAt) await this.#renew();
      await clock.sleep(checkSeconds * 1000, this.#signal).catch(() => {});
    }
  }

  async #askAgain(): Promise<void> {
    const { clock } = this.#deps;
    if (this.#renewing === undefined) {
      if (clock.monotonic() < this.#notBefore) return;
      this.#refusals += 1;
      this.#notBefore = clock.monotonic() + retrySeconds(this.#refusals, firstRetrySeconds, maximumRetrySeconds) * 1000;
    }
    const answered = new AbortController();
    const patience = clock.sleep(patienceSeconds * 1000, AbortSignal.any([this.#signal, answered.signal])).catch(() => {});
    await Promise.race([this.#renew(), patience]);
    answered.abort();
  }

  /** However many callers found out at the same time, the controller is asked once. Never throws: what is at hand stays in use. */
  async #renew(): Promise<void> {
    this.#renewing ??= this.#renewOnce().finally(() => {
      this.#renewing = undefined;
    });
    await this.#renewing;
  }

  async #renewOnce(): Promise<void> {
    const { logger, renew, keep } = this.#deps;
    try {
      const renewed = await renew(this.#identity, this.#signal);
      await keep(renewed);
      this.#identity = renewed;
      logger.info('the device certificate was renewed');
    } catch (error) {
      if (hasEnded(this.#signal)) return;
      const expires = new Date(lifetimeOf(this.#identity.certificate).notAfter).toISOString();
      logger.warn({ err: error, expires }, 'the device certificate was not renewed');
    }
  }
}
