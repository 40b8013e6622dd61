// Keeps what a FleetRepository declares applied: read the source, apply, prune, say what happened.
import path from 'node:path';
import type { Logger } from 'pino';
import type { FleetRepository } from '../../crds/fleet-repository.ts';
import { fieldManagers } from '../../crds/names.ts';
import { fleetRepositories } from '../../crds/resources.ts';
import { toError } from '../../kube/api/api-error.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import type { Store } from '../../kube/cache/store.ts';
import { findCondition } from '../../kube/meta/conditions.ts';
import { counted } from '../../kube/meta/counted.ts';
import { backOffSeconds } from '../../kube/runtime/back-off.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { Outcome } from '../../kube/runtime/controller.ts';
import type { EventRecorder } from '../../kube/runtime/event-recorder.ts';
import { sameContent } from '../content-hash.ts';
import type { OwnWrites } from '../own-writes.ts';
import { applyAll, prune, surplus } from './apply.ts';
import { readDirectory } from './directory-source.ts';
import { GitSource } from './git-source.ts';
import { identityFor } from './identity.ts';
import { readManifests } from './manifest.ts';
import { type SourceContent, SourceError } from './source.ts';
import { describeFleet, type FleetOutcome } from './status.ts';
import type { SyncMetrics } from './sync-metrics.ts';
import type { DirectoryWatches } from './watches.ts';

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
const settleMilliseconds = 500;

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
  return async function reconcile(key: string, signal: AbortSignal, logger: Logger): Promise<Outcome> {
    const cached = deps.repositories.get(key);
    if (!cached || cached.metadata.deletionTimestamp !== undefined) {
      deps.watches.release(key);
      failures.delete(key);
      deps.metrics.forget(key);
      await git.forget(key);
      return { kind: 'done' };
    }
    const repository = deps.writes.freshest(cached);
    const started = deps.clock.monotonic();
    const suspended = repository.spec.suspend === true;
    if (suspended) deps.watches.release(key);
    const outcome: FleetOutcome = suspended ? { kind: 'suspended' } : await sync(deps, git, options, key, repository, signal);
    await report(deps, repository, outcome, { signal, logger });
    if (outcome.kind === 'suspended') return { kind: 'done' };
    const good = outcome.kind === 'applied' && outcome.errors.length === 0;
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

/** Content, and whether it still is what the source says: only a directory changes while it is read. */
interface Opened {
  content: SourceContent;
  settled: () => Promise<boolean>;
}

async function open(
  deps: FleetDeps,
  git: GitSource,
  options: FleetOptions,
  key: string,
  repository: Stored<FleetRepository>,
  signal: AbortSignal,
): Promise<Opened> {
  const { spec } = repository;
  if (spec.path === undefined) {
    deps.watches.release(key);
    const content = await git.read(repository, spec.url ?? '', identityFor(repository, options), signal);
    return { content, settled: async () => true };
  }
  if (!options.allowPaths)
    throw new SourceError(
      'SourceNotAllowed',
      'spec.path is only for the embedded control plane: a path would name files of the controller',
      { permanent: true },
    );
  const directory = path.join(spec.path, spec.directory ?? '');
  deps.watches.hold(key, directory);
  const content = await readDirectory(directory);
  return { content, settled: () => isSettled(deps.clock, directory, content.revision, signal) };
}

async function sync(
  deps: FleetDeps,
  git: GitSource,
  options: FleetOptions,
  key: string,
  repository: Stored<FleetRepository>,
  signal: AbortSignal,
): Promise<FleetOutcome> {
  let opened: Opened;
  try {
    opened = await open(deps, git, options, key, repository, signal);
  } catch (error) {
    signal.throwIfAborted();
    const message = toError(error).message;
    const reason = error instanceof SourceError ? error.reason : 'ArtifactFailed';
    return { kind: error instanceof SourceError && error.permanent ? 'stalled' : 'failed', reason, message };
  }
  return declare(deps, repository, opened, identityFor(repository, options), signal);
}

/** What one revision declares: applied, and what it no longer declares pruned. */
async function declare(
  deps: FleetDeps,
  repository: Stored<FleetRepository>,
  { content, settled }: Opened,
  asUser: string | undefined,
  signal: AbortSignal,
): Promise<FleetOutcome> {
  const { spec } = repository;
  const rules = {
    namespace: repository.metadata.namespace ?? 'default',
    ...(spec.kinds === undefined ? {} : { kinds: spec.kinds }),
    ...(spec.targetNamespace === undefined ? {} : { targetNamespace: spec.targetNamespace }),
  };
  const manifests = readManifests(content.files, rules);
  const before = repository.status?.inventory ?? [];
  const fileErrors = [...content.errors, ...manifests.errors];
  const empty = manifests.objects.length === 0 && fileErrors.length === 0;
  if (empty && before.length > 0 && spec.prune === true && spec.allowEmpty !== true)
    return {
      kind: 'failed',
      reason: 'BuildFailed',
      revision: content.revision,
      message: `${spec.path ?? spec.url} declares nothing, and ${counted(before.length, 'object')} would go: set spec.allowEmpty if that is meant`,
    };
  const applying = { ...deps, asUser };
  const applied = await applyAll(applying, repository, manifests.objects, signal);
  const errors = [...fileErrors, ...applied.errors];
  const gone = surplus(before, applied.inventory);
  // With a file that cannot be read nobody knows what it declares: nothing is pruned then.
  const mayPrune = spec.prune === true && errors.length === 0 && (gone.length === 0 || (await settled()));
  // What stays keeps its entry, so that the next pass, which the directory's own change brings, can still prune it.
  const left = mayPrune ? await prune(applying, repository, gone, signal) : spec.prune === true ? gone : [];
  return { kind: 'applied', revision: content.revision, inventory: [...applied.inventory, ...left], errors };
}

/** An editor empties a file before it writes it: what is gone for a moment is not gone. */
async function isSettled(clock: Clock, directory: string, revision: string, signal: AbortSignal): Promise<boolean> {
  await clock.sleep(settleMilliseconds, signal);
  return (await readDirectory(directory)).revision === revision;
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
