// Fetches, verifies and reads everything that a ModelVersion names: for its reconciler, and for a plan.
import type { Logger } from 'pino';
import type { ModelVersion, Variant } from '../../crds/model-version.ts';
import type { AnalysisLimits } from '../../energy/graph/analysis.ts';
import { analyzeGraph, UnsupportedModelError } from '../../energy/graph/extract/analyze.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import { type AcquireDeps, type Acquired, acquire, artifactsOf } from './acquire.ts';
import type { AnalysisResult, AnalysisStore } from './analysis-store.ts';
import type { VersionFindings } from './status.ts';

export interface ExamineDeps extends AcquireDeps {
  clock: Clock;
  analyses: AnalysisStore;
}

export interface ExamineOptions {
  maximumArtifactBytes: number;
  analysisLimits?: Partial<AnalysisLimits>;
}

/** Reasons that another try may change: they are not kept on disk. */
export const passing: ReadonlySet<string> = new Set(['Timeout', 'Crashed', 'OutOfMemory']);

export async function examineVersion(
  deps: ExamineDeps,
  options: ExamineOptions,
  version: ModelVersion,
  run: { signal: AbortSignal; logger: Logger },
): Promise<VersionFindings> {
  const namespace = version.metadata.namespace ?? '';
  const acquired: Acquired[] = [];
  for (const { label, reference } of artifactsOf(version)) {
    const request = { namespace, label, reference, maximumBytes: options.maximumArtifactBytes };
    acquired.push(await acquire(deps, request, run.signal));
  }
  const here = new Set(acquired.flatMap((file) => (file.kind === 'present' ? [file.digest] : [])));
  const results = new Map<string, AnalysisResult>();
  for (const variant of version.spec.variants) {
    const files = [variant.digest, ...(variant.externalData ?? []).map((file) => file.digest)];
    if (files.every((digest) => here.has(digest))) results.set(variant.name, await analyze(deps, options, variant, run));
  }
  return { acquired, results };
}

async function analyze(
  deps: ExamineDeps,
  options: ExamineOptions,
  variant: Variant,
  { signal, logger }: { signal: AbortSignal; logger: Logger },
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
