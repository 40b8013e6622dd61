// Brings one ModelVersion to Ready: files fetched and verified, graphs read in a child process, status written once.
import type { Logger } from 'pino';
import type { ModelVersion, ModelVersionStatus, Variant } from '../../crds/model-version.ts';
import { fieldManagers } from '../../crds/names.ts';
import { modelVersions } from '../../crds/resources.ts';
import type { AnalysisLimits } from '../../energy/graph/analysis.ts';
import { analyzeGraph, UnsupportedModelError } from '../../energy/graph/extract/analyze.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { parseKey } from '../../kube/api/resource.ts';
import type { Store } from '../../kube/cache/store.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { Outcome } from '../../kube/runtime/controller.ts';
import type { EventRecorder } from '../../kube/runtime/event-recorder.ts';
import { sameContent } from '../content-hash.ts';
import type { OwnWrites } from '../own-writes.ts';
import { type AcquireDeps, type Acquired, acquire, artifactsOf } from './acquire.ts';
import type { AnalysisResult, AnalysisStore } from './analysis-store.ts';
import { describeStart, describeVersion } from './status.ts';

export interface ModelVersionDeps extends AcquireDeps {
  clock: Clock;
  versions: Store<ModelVersion>;
  writes: OwnWrites<ModelVersion>;
  analyses: AnalysisStore;
  events: EventRecorder;
}

export interface ModelVersionOptions {
  maximumArtifactBytes: number;
  analysisLimits?: Partial<AnalysisLimits>;
}

/** Reasons that another try may change: they are not kept on disk. */
const passing = new Set(['Timeout', 'Crashed', 'OutOfMemory']);
const retrySeconds = { transient: 30, final: 600 } as const;

export function createModelVersionReconciler(deps: ModelVersionDeps, options: ModelVersionOptions) {
  return async function reconcile(key: string, signal: AbortSignal, logger: Logger): Promise<Outcome> {
    const cached = deps.versions.get(key);
    if (!cached || cached.metadata.deletionTimestamp !== undefined) return { kind: 'done' };
    let version = deps.writes.freshest(cached);
    if (version.status?.observedGeneration !== version.metadata.generation)
      version = await publish(deps, version, describeStart(version, time(deps)), signal);

    const { namespace = '' } = parseKey(key);
    const acquired: Acquired[] = [];
    for (const file of artifactsOf(version)) {
      const request = { namespace, label: file.label, reference: file.reference, maximumBytes: options.maximumArtifactBytes };
      acquired.push(await acquire(deps, request, signal));
    }
    const here = new Set(acquired.flatMap((file) => (file.kind === 'present' ? [file.digest] : [])));
    const results = new Map<string, AnalysisResult>();
    for (const variant of version.spec.variants) {
      const files = [variant.digest, ...(variant.externalData ?? []).map((file) => file.digest)];
      if (files.every((digest) => here.has(digest)))
        results.set(variant.name, await analyze(deps, options, variant, signal, logger));
    }
    const before = readyReason(version.status);
    const written = await publish(deps, version, describeVersion(version, { acquired, results }, time(deps)), signal);
    announce(deps.events, written, before);
    return outcomeOf(acquired, results, written.status);
  };
}

async function analyze(
  deps: ModelVersionDeps,
  options: ModelVersionOptions,
  variant: Variant,
  signal: AbortSignal,
  logger: Logger,
): Promise<AnalysisResult> {
  const known = deps.analyses.get(variant);
  if (known) return known;
  const externalData = Object.fromEntries(
    (variant.externalData ?? []).map((file) => [file.path, deps.artifacts.path(file.digest)]),
  );
  const dimensions = Object.fromEntries((variant.dimensions ?? []).map(({ name, size }) => [name, size]));
  const started = deps.clock.monotonic();
  try {
    const analysis = await analyzeGraph(deps.artifacts.path(variant.digest), {
      signal,
      externalData,
      dimensions,
      ...(options.analysisLimits === undefined ? {} : { limits: options.analysisLimits }),
    });
    const result: AnalysisResult = { kind: 'analyzed', analysis };
    logger.info({ digest: variant.digest, milliseconds: Math.round(deps.clock.monotonic() - started) }, 'graph read');
    return await deps.analyses.put(variant, result);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof UnsupportedModelError)) throw error;
    const result: AnalysisResult = { kind: 'unsupported', reason: error.reason, message: error.message };
    return passing.has(error.reason) ? result : await deps.analyses.put(variant, result);
  }
}

async function publish(
  deps: ModelVersionDeps,
  version: Stored<ModelVersion>,
  status: ModelVersionStatus,
  signal: AbortSignal,
): Promise<Stored<ModelVersion>> {
  if (sameContent(version.status, status)) return version;
  const { name, namespace, uid } = version.metadata;
  const metadata = { name, uid, ...(namespace === undefined ? {} : { namespace }) };
  const written = await deps.client.applyStatus(
    modelVersions,
    { metadata, status },
    { signal, fieldManager: fieldManagers.controller },
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
