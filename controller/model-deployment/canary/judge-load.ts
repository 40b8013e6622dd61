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
  const status = revisionStatus(member, revision);
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
