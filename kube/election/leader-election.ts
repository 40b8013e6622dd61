// One leader among replicas, by a Lease: runs work only while this process holds it. After client-go's leaderelection.
import { toError } from '../api/api-error.ts';
import { noMetrics } from '../runtime/metrics.ts';
import { type LeadershipDeps, type LeadershipOptions, LeaseCandidate } from './lease-candidate.ts';

export class LeadershipLostError extends Error {
  override readonly name = 'LeadershipLostError';
}

/**
 * Waits for leadership, then runs `lead` and renews. Resolves when `lead` or `signal` ends it, after giving the lease back.
 * Throws LeadershipLostError when the lease could not be kept: `lead` was stopped, and the process should end.
 * `lead` is also given what to ask right before a write (fenced-client.ts): a frozen process learns the time before its signal aborts.
 */
export async function runWithLeadership(
  deps: LeadershipDeps,
  options: LeadershipOptions,
  lead: (signal: AbortSignal, mayWrite: () => boolean) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { name } = options;
  const metrics = deps.metrics ?? noMetrics;
  const candidate = new LeaseCandidate(deps, options);
  metrics.set('leader_election_master_status', { name }, 0);
  if (!(await candidate.acquire(signal))) return;

  const leading = new AbortController();
  const renewing = new AbortController();
  const stop = () => leading.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  metrics.set('leader_election_master_status', { name }, 1);
  let lost: LeadershipLostError | undefined;
  const expired = Promise.withResolvers<never>();
  const renewal = candidate.keep(renewing.signal).catch(async (error: unknown) => {
    if (renewing.signal.aborted) return;
    lost = new LeadershipLostError(`leadership ${options.namespace}/${name} lost: ${toError(error).message}`, { cause: error });
    leading.abort(lost);
    // Work that does not stop in time is abandoned: the process must end before somebody else may lead.
    await candidate.untilExpired(renewing.signal).then(
      () => expired.reject(lost),
      () => undefined, // it stopped
    );
  });
  try {
    if (signal.aborted) stop();
    await Promise.race([lead(leading.signal, () => candidate.renewed && !leading.signal.aborted), expired.promise]);
  } catch (error) {
    if (!leading.signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    // Renewed until here: lead may have needed time to stop, and nobody else may write meanwhile.
    renewing.abort(new Error('no longer leading'));
    await renewal;
    metrics.set('leader_election_master_status', { name }, 0);
    if (lost === undefined) await candidate.release();
  }
  if (lost !== undefined) throw lost;
}
