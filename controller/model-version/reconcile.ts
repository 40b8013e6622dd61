// Brings one ModelVersion to Ready: files fetched and verified, graphs read in a child process, status written once.
import type { Logger } from 'pino';
import type { ModelVersion, ModelVersionStatus } from '../../crds/model-version.ts';
import { fieldManagers } from '../../crds/names.ts';
import { modelVersions } from '../../crds/resources.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import type { Store } from '../../kube/cache/store.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { Outcome } from '../../kube/runtime/controller.ts';
import type { EventRecorder } from '../../kube/runtime/event-recorder.ts';
import { sameContent } from '../content-hash.ts';
import type { OwnWrites } from '../own-writes.ts';
import type { Acquired } from './acquire.ts';
import type { AnalysisResult } from './analysis-store.ts';
import { type ExamineDeps, type ExamineOptions, examineVersion, passing } from './examine.ts';
import { describeStart, describeVersion } from './status.ts';

export interface ModelVersionDeps extends ExamineDeps {
  client: Client;
  versions: Store<ModelVersion>;
  writes: OwnWrites<ModelVersion>;
  events: EventRecorder;
}

const retrySeconds = { transient: 30, final: 600 } as const;

export function createModelVersionReconciler(deps: ModelVersionDeps, options: ExamineOptions) {
  return async function reconcile(key: string, signal: AbortSignal, logger: Logger): Promise<Outcome> {
    const cached = deps.versions.get(key);
    if (!cached || cached.metadata.deletionTimestamp !== undefined) return { kind: 'done' };
    let version = deps.writes.freshest(cached);
    if (version.status?.observedGeneration !== version.metadata.generation)
      version = await publish(deps, version, describeStart(version, time(deps)), signal);

    const { acquired, results } = await examineVersion(deps, options, version, { signal, logger });
    const before = readyReason(version.status);
    const written = await publish(deps, version, describeVersion(version, { acquired, results }, time(deps)), signal);
    announce(deps.events, written, before);
    return outcomeOf(acquired, results, written.status);
  };
}

async function publish(
  deps: ModelVersionDeps,
  version: Stored<ModelVersion>,
  status: ModelVersionStatus,
  signal: AbortSignal,
): Promise<Stored<ModelVersion>> {
  if (sameContent(version.status, status)) return version;
  const { name, namespace, uid, resourceVersion } = version.metadata;
  const metadata = { name, uid, ...(namespace === undefined ? {} : { namespace }) };
  const written = await deps.client.applyStatus(
    modelVersions,
    { metadata, status },
    { signal, fieldManager: fieldManagers.controller, resourceVersion },
  );
  deps.writes.record(version, written);
  return written;
}

function announce(events: EventRecorder, version: Stored<ModelVersion>, before: string | undefined): void {
  const after = readyReason(version.status);
  if (after === before || after === undefined) return;
  const ready = version.status?.conditions?.find((condition) => condition.type === 'Ready');
  if (!ready || ready.status === 'Unknown') return;
  const good = ready.status === 'True';
  events.publish({
    regarding: version,
    type: good ? 'Normal' : 'Warning',
    reason: good ? 'ModelVersionReady' : ready.reason,
    action: 'Verify',
    note: ready.message,
  });
}

function readyReason(status: ModelVersionStatus | undefined): string | undefined {
  const ready = status?.conditions?.find((condition) => condition.type === 'Ready');
  return ready && ready.status !== 'Unknown' ? `${ready.status}/${ready.reason}` : undefined;
}

function outcomeOf(
  acquired: readonly Acquired[],
  results: ReadonlyMap<string, AnalysisResult>,
  status: ModelVersionStatus | undefined,
): Outcome {
  const ready = status?.conditions?.find((condition) => condition.type === 'Ready');
  if (!ready || ready.status === 'True') return { kind: 'done' };
  const transient = acquired.some((file) => file.kind === 'missing' && file.transient);
  const again = transient || [...results.values()].some((result) => result.kind === 'unsupported' && passing.has(result.reason));
  // A source outside the cluster can be mended without any event, so even a final failure is looked at again, rarely.
  const seconds = again ? retrySeconds.transient : retrySeconds.final;
  return { kind: 'requeueAfter', seconds, reason: ready.reason, message: ready.message };
}

function time(deps: { clock: Clock }): string {
  return new Date(deps.clock.now()).toISOString();
}
