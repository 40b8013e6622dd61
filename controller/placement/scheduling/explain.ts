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

const rankOf = new Map(order.map((verdict, rank) => [verdict, rank]));

interface Candidate {
  deviceName: string;
  entry: Explained;
  verdict: CandidateVerdict;
  rank: number;
  joules: number;
}

/** Only what is shown is put into words: this runs for every deployment on every device of the fleet. */
export function explain(devices: readonly DeviceView[], explained: ReadonlyMap<string, Explained>) {
  const all: Candidate[] = [];
  const counts = new Map<CandidateVerdict, number>();
  for (const { name } of devices) {
    const entry = explained.get(name);
    if (!entry) continue;
    const candidate = judge(name, entry);
    counts.set(candidate.verdict, (counts.get(candidate.verdict) ?? 0) + 1);
    all.push(candidate);
  }
  const candidateCounts: Record<string, number> = {};
  for (const verdict of order) {
    const count = counts.get(verdict);
    if (count !== undefined) candidateCounts[verdict] = count;
  }
  const nearest = all.sort(
    (a, b) => a.rank - b.rank || a.joules - b.joules || (a.deviceName < b.deviceName ? -1 : a.deviceName > b.deviceName ? 1 : 0),
  );
  return { candidates: nearest.slice(0, maximumCandidates).map(describe), candidateCounts };
}

function judge(deviceName: string, entry: Explained): Candidate {
  const verdict: CandidateVerdict = entry.chosen ? 'Chosen' : (entry.refusal?.verdict ?? 'Feasible');
  // Large but finite: a difference of two infinities would not be a number.
  return {
    deviceName,
    entry,
    verdict,
    rank: rankOf.get(verdict) ?? order.length,
    joules: entry.option?.joules?.estimate ?? 1e12,
  };
}

function describe({ deviceName, entry: { option, refusal }, verdict }: Candidate): CandidateStatus {
  const joules = option?.joules?.estimate;
  const message = refusal?.message;
  return {
    deviceName,
    ...(option?.variant === undefined ? {} : { variant: option.variant }),
    verdict,
    ...(joules === undefined ? {} : { energyPerInference: formatEnergy(joules) }),
    ...(message === undefined ? {} : { message: message.slice(0, 512) }),
  };
}
