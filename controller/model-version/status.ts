// The status of a ModelVersion out of what was fetched and read. Pure.
import type { ModelVersion, ModelVersionStatus, VariantStatus } from '../../crds/model-version.ts';
import type { GraphAnalysis, TensorInfo } from '../../energy/graph/analysis.ts';
import type { Condition, Stored } from '../../kube/api/objects.ts';
import { removeCondition, setCondition } from '../../kube/meta/conditions.ts';
import { counted } from '../../kube/meta/counted.ts';
import { formatQuantity } from '../../kube/meta/quantity.ts';
import type { Acquired } from './acquire.ts';
import type { AnalysisResult } from './analysis-store.ts';

// What the definition lets a status hold. A graph may name and shape things as its maker likes, and a status that is refused says nothing.
const maximumOperators = 64;
const maximumOperatorLength = 128;
const maximumTensors = 32;
const maximumTensorNameLength = 256;
const maximumRank = 16;
const maximumVariantMessage = 4096;

export interface VersionFindings {
  acquired: readonly Acquired[];
  /** By variant name; absent while its bytes are missing. */
  results: ReadonlyMap<string, AnalysisResult>;
}

interface Finding {
  status: Condition['status'];
  reason: string;
  message: string;
}

export function describeVersion(version: Stored<ModelVersion>, findings: VersionFindings, now: string): ModelVersionStatus {
  const verified = judgeVerified(findings.acquired);
  const analyzed = judgeAnalyzed(version, findings, verified);
  const ready = verified.status !== 'True' ? verified : analyzed;
  const stalled = isFinal(findings) && ready.status === 'False';
  return {
    ...conditionsOf(version, now, [
      ['Verified', verified],
      ['Analyzed', analyzed],
      ['Ready', ready],
      ['Reconciling', ready.status === 'True' || stalled ? undefined : { ...ready, status: 'True' }],
      ['Stalled', stalled ? { ...ready, status: 'True' } : undefined],
    ]),
    variants: version.spec.variants.map((variant) => describeVariant(version, variant.name, variant.digest, findings)),
  };
}

/** What a new generation says until its files are here. */
export function describeStart(version: Stored<ModelVersion>, now: string): ModelVersionStatus {
  const waiting: Finding = { status: 'Unknown', reason: 'Progressing', message: 'fetching and reading the files' };
  const rest = version.status?.variants === undefined ? {} : { variants: version.status.variants };
  return {
    ...conditionsOf(version, now, [
      ['Verified', waiting],
      ['Analyzed', waiting],
      ['Ready', waiting],
      ['Reconciling', { ...waiting, status: 'True' }],
      ['Stalled', undefined],
    ]),
    ...rest,
  };
}

function conditionsOf(version: Stored<ModelVersion>, now: string, findings: [string, Finding | undefined][]) {
  const observedGeneration = version.metadata.generation ?? 1;
  let conditions = version.status?.conditions ?? [];
  for (const [type, finding] of findings)
    conditions = finding
      ? setCondition(conditions, { type, ...finding, observedGeneration }, now)
      : removeCondition(conditions, type);
  return { observedGeneration, conditions };
}

function judgeVerified(acquired: readonly Acquired[]): Finding {
  const missing = acquired.filter((file) => file.kind === 'missing');
  const first = missing[0];
  if (!first)
    return {
      status: 'True',
      reason: 'Verified',
      message: `${counted(acquired.length, 'file has its', 'files have their')} declared digest`,
    };
  const others = missing.length > 1 ? ` (and ${missing.length - 1} more)` : '';
  return { status: 'False', reason: first.reason, message: `${first.label}: ${first.message}${others}` };
}

function judgeAnalyzed(version: ModelVersion, findings: VersionFindings, verified: Finding): Finding {
  for (const variant of version.spec.variants) {
    const result = findings.results.get(variant.name);
    if (result?.kind === 'unsupported')
      return {
        status: 'False',
        reason: 'UnsupportedModel',
        message: `variant ${variant.name}: ${result.reason}: ${result.message}`,
      };
  }
  if (findings.results.size < version.spec.variants.length)
    return { status: 'Unknown', reason: 'NotReached', message: `waits for the files: ${verified.reason}` };
  return {
    status: 'True',
    reason: 'Analyzed',
    message: `${counted(findings.results.size, 'variant was', 'variants were')} read`,
  };
}

/** Nothing changes by trying again. */
function isFinal(findings: VersionFindings): boolean {
  const unsupported = [...findings.results.values()].some((result) => result.kind === 'unsupported');
  return unsupported || findings.acquired.some((file) => file.kind === 'missing' && !file.transient);
}

function describeVariant(version: ModelVersion, name: string, digest: string, findings: VersionFindings): VariantStatus {
  const file = findings.acquired.find((candidate) => candidate.digest === digest);
  const result = findings.results.get(name);
  // Bytes that are here already keep the place that they once came from.
  const before = version.status?.variants?.find((variant) => variant.name === name && variant.digest === digest)?.source;
  const source = (file?.kind === 'present' ? file.source : undefined) ?? before;
  const size = file?.kind === 'present' ? { size: formatQuantity(file.bytes), ...(source === undefined ? {} : { source }) } : {};
  if (file?.kind === 'missing')
    return { name, digest, reason: file.reason, message: file.message.slice(0, maximumVariantMessage).toWellFormed() };
  if (result === undefined) return { name, digest, ...size };
  if (result.kind === 'unsupported')
    return { name, digest, ...size, reason: 'UnsupportedModel', message: `${result.reason}: ${result.message}` };
  return { name, digest, ...size, ...describeGraph(result.analysis) };
}

function describeGraph(analysis: GraphAnalysis): Partial<VariantStatus> {
  const { features } = analysis;
  return {
    inputs: analysis.inputs.slice(0, maximumTensors).map(describeTensor),
    outputs: analysis.outputs.slice(0, maximumTensors).map(describeTensor),
    parameters: countable(features.parameters),
    macs: countable(features.macs),
    weightBytes: countable(features.initializerBytes),
    activationBytes: countable(features.bytes),
    peakMemory: formatQuantity(peakMemoryBytes(analysis)),
    operators: analysis.operators.filter(({ type }) => type.length <= maximumOperatorLength).slice(0, maximumOperators),
  };
}

function describeTensor({ name, datatype, shape }: TensorInfo): TensorInfo {
  return {
    name: name.slice(0, maximumTensorNameLength).toWellFormed(),
    datatype,
    shape: shape.slice(0, maximumRank).map(countable),
  };
}

function countable(amount: number): number {
  return Math.min(Math.round(amount), Number.MAX_SAFE_INTEGER);
}

/** What the model takes while it serves: what the analysing child really grew by, else weights and live activations. */
export function peakMemoryBytes(analysis: GraphAnalysis): number {
  const computed = analysis.features.initializerBytes + analysis.features.peakActivationBytes;
  return Math.min(Math.ceil(Math.max(analysis.residentBytes ?? 0, computed)), Number.MAX_SAFE_INTEGER);
}
