// Keeps what a FleetRepository declares applied: read the source, apply, prune, say what happened.
import path from 'node:path';
import type { Logger } from 'pino';
import type { FleetRepository } from '../../crds/fleet-repository.ts';
import { fieldManagers } from '../../crds/names.ts';
import { fleetRepositories } from '../../crds/resources.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import type { Store } from '../../kube/cache/store.ts';
import { findCondition } from '../../kube/meta/conditions.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { Outcome } from '../../kube/runtime/controller.ts';
import type { EventRecorder } from '../../kube/runtime/event-recorder.ts';
import { sameContent } from '../content-hash.ts';
import type { OwnWrites } from '../own-writes.ts';
import { applyAll, prune, surplus } from './apply.ts';
import { readDirectory } from './directory-source.ts';
import { readManifests } from './manifest.ts';
import { describeFleet, type FleetOutcome } from './status.ts';
import type { DirectoryWatches } from './watches.ts';

export interface FleetDeps {
  client: Client;
  clock: Clock;
  events: EventRecorder;
  repositories: Store<FleetRepository>;
  writes: OwnWrites<FleetRepository>;
  watches: DirectoryWatches;
  onSynced: (ok: boolean) => void;
}

const defaultIntervalSeconds = 60;
const retrySeconds = 15;
const settleMilliseconds = 500;

export function createFleetReconciler(deps: FleetDeps, options: { allowPaths: boolean }) {
  return async function reconcile(key: string, signal: AbortSignal, logger: Logger): Promise<Outcome> {
    const cached = deps.repositories.get(key);
    if (!cached || cached.metadata.deletionTimestamp !== undefined || cached.spec.suspend === true) {
      deps.watches.release(key);
      return { kind: 'done' };
    }
    const repository = deps.writes.freshest(cached);
    const outcome = await sync(deps, options, key, repository, signal);
    const status = describeFleet(repository, outcome, new Date(deps.clock.now()).toISOString());
    if (!sameContent(repository.status, status)) {
      const { name, namespace, uid } = repository.metadata;
      const metadata = { name, uid, ...(namespace === undefined ? {} : { namespace }) };
      const written = await deps.client.applyStatus(
        fleetRepositories,
        { metadata, status },
        { signal, fieldManager: fieldManagers.controller },
      );
      deps.writes.record(repository, written);
      announce(deps.events, repository, written);
      logger.info(
        { outcome: outcome.kind, revision: status.lastAttemptedRevision, errors: status.errors?.length ?? 0 },
        'fleet repository applied',
      );
    }
    const good = outcome.kind === 'applied' && outcome.errors.length === 0;
    deps.onSynced(good);
    if (outcome.kind === 'stalled') return { kind: 'stalled', reason: outcome.reason, message: outcome.message };
    const seconds = good ? (repository.spec.intervalSeconds ?? defaultIntervalSeconds) : retrySeconds;
    return { kind: 'requeueAfter', seconds, reason: 'Interval', message: 'drift is corrected at every interval' };
  };
}

async function sync(
  deps: FleetDeps,
  options: { allowPaths: boolean },
  key: string,
  repository: Stored<FleetRepository>,
  signal: AbortSignal,
): Promise<FleetOutcome> {
  const { spec } = repository;
  if (spec.path === undefined)
    return {
      kind: 'stalled',
      reason: 'NotImplemented',
      message: 'spec.url is not implemented yet: use spec.path on the embedded control plane, or Flux or Argo CD on a cluster',
    };
  if (!options.allowPaths)
    return {
      kind: 'stalled',
      reason: 'SourceNotAllowed',
      message: 'spec.path is only for the embedded control plane: a path would name files of the controller',
    };
  const directory = path.join(spec.path, spec.directory ?? '');
  deps.watches.hold(key, directory);
  let content: Awaited<ReturnType<typeof readDirectory>>;
  try {
    content = await readDirectory(directory);
  } catch (error) {
    return { kind: 'failed', reason: 'ArtifactFailed', message: error instanceof Error ? error.message : String(error) };
  }
  const rules = {
    namespace: repository.metadata.namespace ?? 'default',
    ...(spec.kinds === undefined ? {} : { kinds: spec.kinds }),
    ...(spec.targetNamespace === undefined ? {} : { targetNamespace: spec.targetNamespace }),
  };
  const manifests = readManifests(content.files, rules);
  const before = repository.status?.inventory ?? [];
  const fileErrors = [...content.errors, ...manifests.errors];
  if (
    manifests.objects.length === 0 &&
    fileErrors.length === 0 &&
    before.length > 0 &&
    spec.prune === true &&
    spec.allowEmpty !== true
  )
    return {
      kind: 'failed',
      reason: 'BuildFailed',
      revision: content.revision,
      message: `${directory} declares nothing, and ${before.length} objects would go: set spec.allowEmpty if that is meant`,
    };
  const applied = await applyAll(deps, repository, manifests.objects, signal);
  const errors = [...fileErrors, ...applied.errors];
  const gone = surplus(before, applied.inventory);
  // With a file that cannot be read nobody knows what it declares: nothing is pruned then.
  const mayPrune =
    spec.prune === true &&
    errors.length === 0 &&
    (gone.length === 0 || (await isSettled(deps.clock, directory, content.revision, signal)));
  // What stays keeps its entry, so that the next pass, which the directory's own change brings, can still prune it.
  const left = mayPrune ? await prune(deps, repository, gone, signal) : spec.prune === true ? gone : [];
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
