// Fetches from a source that misbehaves: how each kind of fault ends, and how many bytes it costs.
import { fetchManyTimes, sizeBytes } from '../support/artifact-faults/runs.ts';
import { type Bench, type BenchOptions, type BenchResult, countOption } from './harness/bench.ts';
import { digits, judged } from './harness/format.ts';

const goalRatio = 1.1;
/** Whose bytes are all right: none of them need come twice. */
const resumable = new Set(['none', 'cut', 'stall', 'slow', 'error', 'announcesMore']);
const meaning: Record<string, string> = {
  none: 'no fault',
  cut: 'the connection breaks half-way',
  stall: 'nothing more comes half-way',
  slow: 'small pieces',
  error: '503',
  corrupt: 'one bit is wrong',
  announcesMore: 'announces more than comes',
  announcesLess: 'announces less than there is',
  ignoresRange: 'starts again though asked for the rest',
  otherRange: 'sends another part than asked for',
  noLength: 'says no length',
  huge: 'sends many times what was declared',
};

async function run(options: BenchOptions): Promise<BenchResult> {
  const runs = countOption(options, 'runs', 200);
  const outcomes = await fetchManyTimes(runs);
  const rows = Object.keys(meaning).map((fault) => {
    const own = outcomes.filter((outcome) => outcome.fault === fault);
    const mended = own.filter(({ times }) => Number.isFinite(times));
    const broken = own.filter(({ times }) => !Number.isFinite(times));
    const largest = Math.max(...mended.map(({ ratio }) => ratio));
    const wrong = own.filter((outcome) => outcome.outcome !== outcome.expected || !outcome.clean).length;
    const text = `${digits(largest)}×`;
    return [
      meaning[fault] ?? fault,
      String(own.length),
      `${mended.filter(({ outcome }) => outcome === 'verified').length} of ${mended.length}`,
      broken.length === 0 ? '–' : `${broken.length} × ${[...new Set(broken.map(({ outcome }) => outcome))].join(', ')}`,
      judged(String(wrong), wrong === 0),
      resumable.has(fault) ? judged(text, largest <= goalRatio) : text,
    ];
  });
  return {
    tables: [
      {
        caption: `${runs} fetches of ${sizeBytes / 1000} kB. The source mends after one to three faults, or never.`,
        columns: [
          'fault',
          'runs',
          'verified once the source mends',
          'condition while it never does',
          'wrong outcomes (goal 0)',
          'bytes fetched, largest (goal ≤ 1.1×)',
        ],
        rows,
      },
    ],
    remarks: [
      'The goal is for faults that leave the bytes right. Wrong ones, and those from the start though the rest was asked for, cannot be kept; an answer that is refused for its head (no length, another range, far too long) costs what was on its way by then.',
      'In no run was anything left on the disk under its digest that is not its content.',
    ],
  };
}

export const bench: Bench = { title: 'Artifacts from a source that fails', run };
