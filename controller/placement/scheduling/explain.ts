// Why each device was chosen or not: counts of all, the nearest misses in full. Pure.
import type { CandidateStatus, CandidateVerdict } from '../../../crds/model-deployment.ts';
import { formatEnergy } from '../../../energy/units.ts';
import type { Refusal } from './feasible.ts';
import type { Option } from './types.ts';

export interface Explained {
  option?: Option;
  refusal?: Refusal;
  chosen?: boolean;
}

/** Devices of one group that were not looked at one by one. */
interface OtherDevices extends Explained {
  count: number;
  /** In order. */
  names(): Iterable<string>;
  /** In the words of that device. */
  refusalOf(name: string): Refusal | undefined;
}

const maximumCandidates = 32;
/** Of devices that would do as well: a status is written often, and why the others would not do says more. */
const maximumFeasible = 8;

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

interface Standing {
  verdict: CandidateVerdict;
  rank: number;
  joules: number;
}

interface Candidate {
  deviceName: string;
  standing: Standing;
  describe(): CandidateStatus;
}

/** Only what is shown is put into words: this runs for every deployment, over the whole fleet. */
export function explain(explained: ReadonlyMap<string, Explained>, others: readonly OtherDevices[]) {
  const groups = others
    .filter(({ count }) => count > 0)
    .map((group) => ({ group, standing: standingOf(group) }))
    .sort((a, b) => compare(a.standing, b.standing));
  const nearest: Candidate[] = [...explained].map(([deviceName, entry]) => {
    const standing = standingOf(entry);
    const describe = () => ({ deviceName, ...describeEntry(entry, standing), ...messageOf(entry.refusal) });
    return { deviceName, standing, describe };
  });
  const counts = new Map<CandidateVerdict, number>();
  const count = ({ verdict }: Standing, more: number) => counts.set(verdict, (counts.get(verdict) ?? 0) + more);
  for (const { standing } of nearest) count(standing, 1);
  for (const { group, standing } of groups) count(standing, group.count);
  for (const candidate of nearestOthers(groups)) nearest.push(candidate);
  nearest.sort(
    (a, b) => compare(a.standing, b.standing) || (a.deviceName < b.deviceName ? -1 : a.deviceName > b.deviceName ? 1 : 0),
  );
  const candidateCounts: Record<string, number> = {};
  for (const verdict of order) {
    const known = counts.get(verdict);
    if (known !== undefined) candidateCounts[verdict] = known;
  }
  return { candidates: shownOf(nearest).map((candidate) => candidate.describe()), candidateCounts };
}

function shownOf(nearest: readonly Candidate[]): Candidate[] {
  let feasible = 0;
  const worth = nearest.filter(({ standing }) => standing.verdict !== 'Feasible' || feasible++ < maximumFeasible);
  return worth.slice(0, maximumCandidates);
}

/** As many of each as could be shown, until groups that come after them could not. */
function* nearestOthers(groups: readonly { group: OtherDevices; standing: Standing }[]): Generator<Candidate> {
  const shown = new Map<string, number>();
  let last: Standing | undefined;
  for (const { group, standing } of groups) {
    const kind = standing.verdict === 'Feasible' ? 'feasible' : 'refused';
    const limit = kind === 'feasible' ? maximumFeasible : maximumCandidates;
    const before = shown.get(kind) ?? 0;
    if (before >= limit && last && compare(last, standing) < 0) continue;
    last = standing;
    const words = describeEntry(group, standing);
    let taken = 0;
    for (const deviceName of group.names()) {
      if (taken === limit) break;
      taken++;
      const describe = () => ({ deviceName, ...words, ...messageOf(group.refusalOf(deviceName)) });
      yield { deviceName, standing, describe };
    }
    shown.set(kind, before + taken);
  }
}

function standingOf(entry: Explained): Standing {
  const verdict: CandidateVerdict = entry.chosen ? 'Chosen' : (entry.refusal?.verdict ?? 'Feasible');
  // Large but finite: a difference of two infinities would not be a number.
  return { verdict, rank: rankOf.get(verdict) ?? order.length, joules: entry.option?.joules?.estimate ?? 1e12 };
}

function compare(a: Standing, b: Standing): number {
  return a.rank - b.rank || a.joules - b.joules;
}

function describeEntry({ option }: Explained, { verdict }: Standing): Omit<CandidateStatus, 'deviceName'> {
  const joules = option?.joules?.estimate;
  return {
    ...(option?.variant === undefined ? {} : { variant: option.variant }),
    verdict,
    ...(joules === undefined ? {} : { energyPerInference: formatEnergy(joules) }),
  };
}

function messageOf(refusal: Refusal | undefined): Pick<CandidateStatus, 'message'> {
  return refusal === undefined ? {} : { message: refusal.message.slice(0, 512) };
}
