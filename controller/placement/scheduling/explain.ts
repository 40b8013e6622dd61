// Why each device was chosen or not: counts of all, the nearest misses in full. Pure.
import type { CandidateStatus, CandidateVerdict } from '../../../crds/model-deployment.ts';
import { formatEnergy } from '../../../energy/units.ts';
import type { Refusal } from './feasible.ts';
import type { DeviceView, Option } from './types.ts';

export interface Explained {
  option?: Option;
  refusal?: Refusal;
  chosen?: boolean;
}

const maximumCandidates = 32;

/** Nearest to being chosen first. */
const order: readonly CandidateVerdict[] = [
  'Chosen',
  'Feasible',
  'Uncertain',
  'Unknown',
  'ExceedsBudget',
  'PowerCapExceeded',
  'LoadExceedsCapacity',
  'LatencyExceeded',
  'AccuracyTooLow',
  'Rejected',
  'InsufficientMemory',
  'InsufficientStorage',
  'AgentTooOld',
  'NotReady',
  'Tainted',
  'Unschedulable',
  'WrongClass',
  'NotSelected',
];

export function explain(devices: readonly DeviceView[], explained: ReadonlyMap<string, Explained>) {
  const all = devices.flatMap((device) => {
    const entry = explained.get(device.name);
    return entry ? [describe(device.name, entry)] : [];
  });
  const candidateCounts: Record<string, number> = {};
  for (const verdict of order) {
    const count = all.filter((candidate) => candidate.status.verdict === verdict).length;
    if (count > 0) candidateCounts[verdict] = count;
  }
  const nearest = all.sort(
    (a, b) =>
      order.indexOf(a.status.verdict) - order.indexOf(b.status.verdict) ||
      a.joules - b.joules ||
      (a.status.deviceName < b.status.deviceName ? -1 : 1),
  );
  return { candidates: nearest.slice(0, maximumCandidates).map((candidate) => candidate.status), candidateCounts };
}

function describe(deviceName: string, { option, refusal, chosen }: Explained): { status: CandidateStatus; joules: number } {
  const verdict: CandidateVerdict = chosen ? 'Chosen' : (refusal?.verdict ?? 'Feasible');
  const joules = option?.joules?.estimate;
  const variant = option?.variant;
  const message = refusal?.message;
  return {
    status: {
      deviceName,
      ...(variant === undefined ? {} : { variant }),
      verdict,
      ...(joules === undefined ? {} : { energyPerInference: formatEnergy(joules) }),
      ...(message === undefined ? {} : { message: message.slice(0, 512) }),
    },
    // Large but finite: a difference of two infinities would not be a number.
    joules: joules ?? 1e12,
  };
}
