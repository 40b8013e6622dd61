// Keeps what a FleetRepository declares applied: read the source, apply, prune, say what happened.
import type { Logger } from 'pino';
import type { FleetRepository } from '../../crds/fleet-repository.ts';
import { fieldManagers } from '../../crds/names.ts';
import { fleetRepositories } from '../../crds/resources.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { keyOf } from '../../kube/api/resource.ts';
import type { Store } from '../../kube/cache/store.ts';
import { findCondition } from '../../kube/meta/conditions.ts';
import { backOffSeconds } from '../../kube/runtime/back-off.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { Outcome } from '../../kube/runtime/controller.ts';
import type { EventRecorder } from '../../kube/runtime/event-recorder.ts';
import { sameContent } from '../content-hash.ts';
import type { OwnWrites } from '../own-writes.ts';
import { identityFor } from './identity.ts';
import { GitSource } from './sources/git-source.ts';
import type { DirectoryWatches } from './sources/watches.ts';
import { describeFleet, type FleetOutcome, isWhole } from './status.ts';
import { sync } from './sync.ts';
import type { SyncMetrics } from './sync-metrics.ts';

export interface FleetDeps {
  client: Client;
  clock: Clock;
  events: EventRecorder;
  repositories: Store<FleetRepository>;
  writes: OwnWrites<FleetRepository>;
  watches: DirectoryWatches;
  metrics: SyncMetrics;
}

const defaultIntervalSeconds = 60;

export interface FleetOptions {
  /** spec.path and file:// name files of the controller's machine. */
  allowPaths: boolean;
  /** Where copies of Git repositories are kept. */
  gitDirectory: string;
  maximumGitBytes: number;
}

/** A source that fails is asked less and less often, and never less often than this. */
const backOff = { firstSeconds: 5, maxSeconds: 300 } as const;

export function createFleetReconciler(deps: FleetDeps, options: FleetOptions) {
  const git = new GitSource(deps, {
    directory: options.gitDirectory,
    maximumBytes: options.maximumGitBytes,
    allowFiles: options.allowPaths,
  });
  const failures = new Map<string, number>();
  const sources = { ...deps, git, allowPaths: options.allowPaths };
  let swept: Promise<void> | undefined;
  return async function reconcile(key: string, signal: AbortSignal, logger: Logger): Promise<Outcome> {
    const cached = deps.repositories.get(key);
    if (!cached || cached.metadata.deletionTimestamp !== undefined) {
      deps.watches.release(key);
      failures.delete(key);
      deps.metrics.forget(key);
      await git.forget(key);
      return { kind: 'done' };
    }
    // Once, and before any copy is made: the cache is complete by now.
    swept ??= git.keepOnly(deps.repositories.list().map(keyOf));
    await swept;
    const repository = deps.writes.freshest(cached);
    const started = deps.clock.monotonic();
    const suspended = repository.spec.suspend === true;
    if (suspended) deps.watches.release(key);
    const asUser = identityFor(repository, options);
    const outcome: FleetOutcome = suspended ? { kind: 'suspended' } : await sync(repository, { ...sources, asUser }, signal);
    await report(deps, repository, outcome, { signal, logger });
    if (outcome.kind === 'suspended') return { kind: 'done' };
    const good = isWhole(outcome);
    const seconds = (deps.clock.monotonic() - started) / 1000;
    deps.metrics.record(key, { applied: good, seconds, now: deps.clock.now() });
    if (outcome.kind === 'stalled') return { kind: 'stalled', reason: outcome.reason, message: outcome.message };
    if (good) failures.delete(key);
    else failures.set(key, (failures.get(key) ?? 0) + 1);
    const pauseSeconds = good
      ? (repository.spec.intervalSeconds ?? defaultIntervalSeconds)
      : backOffSeconds(failures.get(key) ?? 1, backOff, Math.random());
    return { kind: 'requeueAfter', seconds: pauseSeconds, reason: 'Interval', message: 'drift is corrected at every interval' };
  };
}

async function report(
  deps: FleetDeps,
  repository: Stored<FleetRepository>,
  outcome: FleetOutcome,
  { signal, logger }: { signal: AbortSignal; logger: Logger },
): Promise<void> {
  const status = describeFleet(repository, outcome, new Date(deps.clock.now()).toISOString());
  if (sameContent(repository.status, status)) return;
  const { name, namespace, uid, resourceVersion } = repository.metadata;
  const metadata = { name, uid, ...(namespace === undefined ? {} : { namespace }) };
  const written = await deps.client.applyStatus(
    fleetRepositories,
    { metadata, status },
    { signal, fieldManager: fieldManagers.controller, resourceVersion },
  );
  deps.writes.record(repository, written);
  announce(deps.events, repository, written);
  logger.info(
    { outcome: outcome.kind, revision: status.lastAttemptedRevision, errors: status.errors?.length ?? 0 },
    'fleet repository reconciled',
  );
}

function announce(events: EventRecorder, before: Stored<FleetRepository>, after: Stored<FleetRepository>): void {
  const [was, is] = [before, after].map((repository) => findCondition(repository.status?.conditions, 'Ready'));
  const changed = before.status?.lastAppliedRevision !== after.status?.lastAppliedRevision;
  if (!is || (was?.status === is.status && was.message === is.message && !changed)) return;
  events.publish({
    regarding: after,
    type: is.status === 'True' ? 'Normal' : 'Warning',
    reason: is.reason,
    action: 'Reconcile',
    note: is.message,
  });
}
