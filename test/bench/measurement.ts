// What the statistics of measured energy promise, simulated: not this machine's speed but how often they are right.
import { intervalCovers, pairedVerdict, scenarios, shareOf } from '../support/noisy-board.ts';
import { type Bench, countOption } from './harness/bench.ts';

const firstSeed = 1_000_001;
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

export const bench: Bench = {
  title: 'Measurement statistics',
  async run(options) {
    const runs = countOption(options, 'runs', 2000);
    const rows = scenarios.map((scenario) => {
      options.signal.throwIfAborted();
      options.note(`${scenario.name}, noise ${scenario.sd}, correlation ${scenario.rho}`);
      const paired = (change: number, verdict: string) =>
        percent(shareOf(runs, firstSeed, (seed) => pairedVerdict(seed, change, scenario) === verdict));
      return [
        scenario.name,
        percent(scenario.sd),
        String(scenario.rho),
        percent(shareOf(runs, firstSeed, (seed) => intervalCovers(seed, scenario))),
        paired(1.1, 'Failed'),
        paired(1.05, 'Failed'),
        paired(1, 'Failed'),
        paired(1, 'Successful'),
      ];
    });
    return await Promise.resolve({
      tables: [
        {
          caption: `${runs} simulated measurements per row and column: a board whose power wanders (AR(1) from second to second) through a meter that reads in steps.`,
          columns: [
            'meter',
            'noise',
            'correlation',
            '90 % interval of six windows holds the truth',
            'candidate at +10 % fails',
            'at the margin of +5 % fails',
            'equal candidate fails',
            'equal candidate succeeds',
          ],
          rows,
        },
      ],
      remarks: [
        'To hold: coverage near 90 %, +10 % caught in at least 98 %, an equal candidate rejected in at most 2 %, at the margin at most 5 %.',
        'Windows are 60 s for meters of 1 Hz and slower and 10 s for faster ones; verdicts fall after 6, 10, 16 or 24 quads.',
      ],
    });
  },
};
