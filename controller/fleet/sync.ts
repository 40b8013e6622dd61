// One pass over a repository: its source is read, what that declares is applied, and what it no longer declares is pruned.
import { setImmediate } from 'node:timers/promises';
import type { FleetRepository } from '../../crds/fleet-repository.ts';
import { toError } from '../../kube/api/api-error.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { counted } from '../../kube/meta/counted.ts';
import { type ApplyDeps, applyAll, prune, surplus } from './apply.ts';
import { type ManifestFile, type ManifestRules, type Manifests, readManifests } from './manifest.ts';
import { type OpenSource, openSource, type SourceDeps } from './sources/open-source.ts';
import { SourceError } from './sources/source.ts';
import { type FleetOutcome, maximumObjects } from './status.ts';

/** What fails is an outcome too; only an abort throws. */
export async function sync(
  repository: Stored<FleetRepository>,
  deps: SourceDeps & ApplyDeps,
  signal: AbortSignal,
): Promise<FleetOutcome> {
  let source: OpenSource;
  try {
    source = await openSource(repository, deps.asUser, deps, signal);
  } catch (error) {
    signal.throwIfAborted();
    const { message } = toError(error);
    const reason = error instanceof SourceError ? error.reason : 'ArtifactFailed';
    return { kind: error instanceof SourceError && error.permanent ? 'stalled' : 'failed', reason, message };
  }
  return declare(repository, source, deps, signal);
}

/** File by file, and everything else has its turn in between: thousands of files take seconds, and a leader has a lease to renew. */
async function readInTurns(files: readonly ManifestFile[], rules: ManifestRules, signal: AbortSignal): Promise<Manifests> {
  const known = new Map<string, Manifests>();
  for (const file of files) {
    readManifests([file], rules, known);
    await setImmediate();
    signal.throwIfAborted();
  }
  return readManifests(files, rules, known);
}

/** What one revision declares: applied, and what it no longer declares pruned. */
async function declare(
  repository: Stored<FleetRepository>,
  { content, settled }: OpenSource,
  deps: ApplyDeps,
  signal: AbortSignal,
): Promise<FleetOutcome> {
  const { spec } = repository;
  const rules = {
    namespace: repository.metadata.namespace ?? 'default',
    ...(spec.kinds === undefined ? {} : { kinds: spec.kinds }),
    ...(spec.targetNamespace === undefined ? {} : { targetNamespace: spec.targetNamespace }),
  };
  const manifests = await readInTurns(content.files, rules, signal);
  const before = repository.status?.inventory ?? [];
  if (manifests.objects.length > maximumObjects)
    return {
      kind: 'failed',
      reason: 'BuildFailed',
      revision: content.revision,
      message: `${manifests.objects.length} objects, at most ${maximumObjects}: divide them among several fleet repositories, by spec.directory`,
    };
  const fileErrors = [...content.errors, ...manifests.errors];
  const empty = manifests.objects.length === 0 && fileErrors.length === 0;
  if (empty && before.length > 0 && spec.prune === true && spec.allowEmpty !== true)
    return {
      kind: 'failed',
      reason: 'BuildFailed',
      revision: content.revision,
      message: `${spec.path ?? spec.url} declares nothing, and ${counted(before.length, 'object')} would go: set spec.allowEmpty if that is meant`,
    };
  const applied = await applyAll(deps, repository, manifests.objects, signal);
  const errors = [...fileErrors, ...applied.errors];
  const gone = surplus(before, applied.inventory);
  // With a file that cannot be read nobody knows what it declares: nothing is pruned then.
  const mayPrune = spec.prune === true && errors.length === 0 && (gone.length === 0 || (await settled()));
  // What stays keeps its entry, so that the next pass, which the directory's own change brings, can still prune it.
  const pruned = mayPrune ? await prune(deps, repository, gone, signal) : { left: spec.prune === true ? gone : [] };
  const { left, failure } = pruned;
  return {
    kind: 'applied',
    revision: content.revision,
    inventory: [...applied.inventory, ...left],
    errors,
    ...(failure === undefined ? {} : { unpruned: failure }),
  };
}
