// One process's part in an election. Expiry is judged by time observed here since the record last changed, never by
// comparing clocks of two machines; every write is guarded by resourceVersion.
import type { Logger } from 'pino';
import { isAlreadyExists, isConflict, isNotFound, toError } from '../api/api-error.ts';
import { type Lease, leases } from '../api/builtins.ts';
import type { Client } from '../api/client.ts';
import type { Stored } from '../api/objects.ts';
import { microTime } from '../meta/micro-time.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Metrics } from '../runtime/metrics.ts';

export interface LeadershipDeps {
  client: Pick<Client, 'get' | 'create' | 'replace'>;
  clock: Clock;
  logger: Logger;
  metrics?: Metrics;
}

export interface LeadershipOptions {
  namespace: string;
  name: string;
  /** Different for every process, for example the pod's name and a random part. */
  identity: string;
  /** Others wait this long after the last renewal they saw: with retrySeconds and their jitter, a leader that is lost has a successor in 15 s. 11 */
  leaseSeconds?: number;
  /** A leader that could not renew for this long stops leading; the rest of the lease is its time to stop. 8 */
  renewSeconds?: number;
  /** Between attempts. 2 */
  retrySeconds?: number;
}

const releaseSeconds = 5;
const takeMilliseconds = 100;

/** One process's view of the lease. */
export class LeaseCandidate {
  readonly #deps: LeadershipDeps;
  readonly #options: LeadershipOptions;
  readonly #leaseSeconds: number;
  readonly #renewSeconds: number;
  readonly #retrySeconds: number;
  #observed: Stored<Lease> | undefined;
  #observedAt = 0;
  /** When the last successful renewal was sent: the moment from which others may count. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  /** The same in wall time, which goes on while a machine is suspended. */
  #renewedAtWall = 0;

  constructor(deps: LeadershipDeps, options: LeadershipOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#leaseSeconds = options.leaseSeconds ?? 11;
    this.#renewSeconds = options.renewSeconds ?? 8;
    this.#retrySeconds = options.retrySeconds ?? 2;
    if (!(this.#leaseSeconds > this.#renewSeconds && this.#renewSeconds > this.#retrySeconds)) {
      throw new Error(
        `leader election ${options.name}: leaseSeconds (${this.#leaseSeconds}) must exceed renewSeconds (${this.#renewSeconds}), ` +
          `and that retrySeconds (${this.#retrySeconds})`,
      );
    }
  }

  /** True as leader, false when the signal aborted first. */
  async acquire(signal: AbortSignal): Promise<boolean> {
    let holder: string | undefined;
    while (!signal.aborted) {
      try {
        // On a connection that died in silence an attempt would hang for minutes, beyond the time in which a leader is replaced.
        if (await this.#within(this.#attemptMilliseconds, signal, (limited) => this.#tryHold(limited))) {
          this.#deps.logger.info({ lease: this.#options.name, identity: this.#options.identity }, 'leading');
          return true;
        }
        const now = this.#observed?.spec?.holderIdentity;
        if (now !== holder) this.#deps.logger.info({ lease: this.#options.name, holder: now }, 'another process leads, waiting');
        holder = now;
      } catch (error) {
        if (!isAborted(signal)) this.#deps.logger.warn({ err: toError(error) }, 'could not try for leadership, trying again');
      }
      await this.#pause(signal);
    }
    return false;
  }

  /** Renews until the signal aborts. Throws when the lease is another's, or could not be renewed in renewSeconds. */
  async keep(signal: AbortSignal): Promise<void> {
    for (;;) {
      const left = () => this.#renewedAt + this.#renewSeconds * 1000 - this.#deps.clock.monotonic();
      await this.#deps.clock.sleep(Math.min(this.#retrySeconds * 1000, Math.max(0, left())), signal);
      const remaining = left();
      if (remaining <= 0) throw new Error(`not renewed for ${this.#renewSeconds} s`);
      try {
        if (!(await this.#within(remaining, signal, (limited) => this.#tryHold(limited)))) {
          throw new TakenError(`${this.#observed?.spec?.holderIdentity ?? 'nobody'} holds the lease`);
        }
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof TakenError) throw error;
        this.#deps.logger.warn({ err: toError(error) }, 'could not renew leadership, trying again');
      }
    }
  }

  /** True while nobody else can lead, as far as this process can know without asking. */
  get renewed(): boolean {
    const { clock } = this.#deps;
    const age = Math.max(clock.monotonic() - this.#renewedAt, clock.now() - this.#renewedAtWall);
    return age < this.#renewSeconds * 1000;
  }

  /** Until others may take over, counted from the last renewal. */
  async untilExpired(signal: AbortSignal): Promise<void> {
    const expiresAt = this.#renewedAt + this.#leaseSeconds * 1000;
    await this.#deps.clock.sleep(Math.max(0, expiresAt - this.#deps.clock.monotonic()), signal);
  }

  /** Gives the lease back, so that a successor need not wait for it to expire. */
  async release(): Promise<void> {
    try {
      await this.#within(releaseSeconds * 1000, undefined, async (signal) => {
        // Read again: the last renewal may have been cut off after the server had taken it.
        const held = await this.#read(signal);
        if (held === undefined || !this.#holds()) return;
        const renewTime = microTime(this.#deps.clock.now());
        const spec = { ...held.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime };
        await this.#deps.client.replace(leases, { ...held, spec }, { signal });
      });
    } catch (error) {
      this.#deps.logger.warn({ err: toError(error) }, 'could not give leadership back; it expires by itself');
    }
  }

  /** One attempt: true when this process holds the lease afterwards. */
  async #tryHold(signal: AbortSignal): Promise<boolean> {
    const { client, clock } = this.#deps;
    const sentAt = clock.monotonic();
    const sentAtWall = clock.now();
    try {
      // A leader renews what it wrote last, without reading it again; a conflict would tell.
      const current = this.#holds() ? this.#observed : await this.#read(signal);
      if (current !== undefined && !this.#mayTake(current)) return false;
      const written =
        current === undefined
          ? await client.create(leases, this.#newLease(), { signal })
          : await client.replace(leases, this.#renewed(current), { signal });
      this.#observe(written);
      this.#renewedAt = sentAt;
      this.#renewedAtWall = sentAtWall;
      return true;
    } catch (error) {
      // Somebody else wrote first: the next attempt sees who. A leader's own next attempt follows in retrySeconds.
      if (isConflict(error) || isAlreadyExists(error)) return this.#readAgain(signal);
      if (isNotFound(error)) this.#observed = undefined; // deleted under a leader: the next attempt creates it
      throw error;
    }
  }

  /** After a conflict: still the holder only if the record says so. */
  async #readAgain(signal: AbortSignal): Promise<boolean> {
    const current = await this.#read(signal);
    if (current?.spec?.holderIdentity !== this.#options.identity) return false;
    throw new Error('the lease changed during renewal');
  }

  async #read(signal: AbortSignal): Promise<Stored<Lease> | undefined> {
    const { namespace, name } = this.#options;
    try {
      const lease = await this.#deps.client.get(leases, { namespace, name }, { signal });
      this.#observe(lease);
      return lease;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  get #attemptMilliseconds(): number {
    return (this.#renewSeconds / 2) * 1000;
  }

  #holds(): boolean {
    return this.#observed?.spec?.holderIdentity === this.#options.identity;
  }

  #observe(lease: Stored<Lease>): void {
    if (lease.metadata.resourceVersion === this.#observed?.metadata.resourceVersion) return;
    this.#observed = lease;
    this.#observedAt = this.#deps.clock.monotonic();
  }

  #mayTake(lease: Stored<Lease>): boolean {
    const holder = lease.spec?.holderIdentity;
    if (!holder || holder === this.#options.identity) return true;
    return this.#deps.clock.monotonic() >= this.#freeAt();
  }

  /** When the holder that was seen last has had its time, if it is not seen again. */
  #freeAt(): number {
    return this.#observedAt + (this.#observed?.spec?.leaseDurationSeconds ?? this.#leaseSeconds) * 1000;
  }

  #newLease(): Lease {
    const { namespace, name, identity } = this.#options;
    const now = microTime(this.#deps.clock.now());
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { namespace, name },
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: this.#leaseSeconds,
        acquireTime: now,
        renewTime: now,
        leaseTransitions: 0,
      },
    };
  }

  #renewed(lease: Stored<Lease>): Lease {
    const now = microTime(this.#deps.clock.now());
    const same = lease.spec?.holderIdentity === this.#options.identity;
    return {
      ...lease,
      spec: {
        ...lease.spec,
        holderIdentity: this.#options.identity,
        leaseDurationSeconds: this.#leaseSeconds,
        renewTime: now,
        ...(same ? {} : { acquireTime: now, leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + 1 }),
      },
    };
  }

  /** Candidates that wait do so with jitter, so that they do not all ask at once; none sleeps through the moment of expiry. */
  async #pause(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    const retryMilliseconds = this.#retrySeconds * 1000 * (1 + Math.random() / 5);
    const untilFree = this.#freeAt() - clock.monotonic();
    // A moment later, so that two candidates who saw the same renewal do not write at the same instant.
    const untilTaken = untilFree > 0 ? untilFree + Math.random() * takeMilliseconds : Number.POSITIVE_INFINITY;
    await clock.sleep(Math.min(retryMilliseconds, untilTaken), signal).catch(() => undefined);
  }

  /** A call that hangs must not outlive the time it has. */
  async #within<R>(milliseconds: number, signal: AbortSignal | undefined, call: (signal: AbortSignal) => Promise<R>): Promise<R> {
    const ended = new AbortController();
    const late = new AbortController();
    this.#deps.clock.sleep(milliseconds, ended.signal).then(
      () => late.abort(new Error(`no answer in ${Math.ceil(milliseconds / 1000)} s`)),
      () => undefined, // the call was quicker
    );
    try {
      return await call(signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]));
    } finally {
      ended.abort();
    }
  }
}

class TakenError extends Error {
  override readonly name = 'TakenError';
}

function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
