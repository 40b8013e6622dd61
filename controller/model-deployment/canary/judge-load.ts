// The first endpoints of a test: does the candidate load, and does it pass its golden set? Pure.
import { counted } from '../../../kube/meta/counted.ts';
import { type Member, revisionStatus } from '../scope.ts';
import type { TestFinding } from './finding.ts';

/** What the device lacks, what has not arrived yet, and what was damaged on the way is no fault of the model: it is fetched again. */
const notTheModels = new Set([
  'DownloadFailed',
  'DigestMismatch',
  'SizeMismatch',
  'InsufficientStorage',
  'InsufficientMemory',
  'Suspended',
]);

/** What a candidate that cannot even serve says. */
export function judgeLoad(member: Member, revision: string): (TestFinding & { kind: 'failed' }) | undefined {
  const status = isOfThisOrder(member, revision) ? revisionStatus(member, revision) : undefined;
  const device = member.instance.spec.deviceName;
  if (status?.golden && !status.golden.passed)
    return {
      kind: 'failed',
      reason: 'GoldenSetFailed',
      message: `${device}: ${status.golden.metric} ${status.golden.permille} permille on ${counted(status.golden.samples, 'sample')} of the golden set`,
    };
  if (status?.phase === 'Failed' && !notTheModels.has(status.reason ?? ''))
    return {
      kind: 'failed',
      reason: status.reason ?? 'LoadFailed',
      message: `${device}: ${status.message ?? 'the model did not load'}`,
    };
  return undefined;
}

/** A report from before it was ordered speaks of an earlier attempt: a retry would fail by what the first one found. */
function isOfThisOrder({ instance: { spec, status, metadata } }: Member, revision: string): boolean {
  if ([spec.active, spec.candidate].every((slot) => slot?.revision !== revision)) return false;
  return (status?.observedGeneration ?? 0) >= (metadata.generation ?? 1);
}
