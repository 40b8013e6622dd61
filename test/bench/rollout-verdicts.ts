// How often a rollout's verdict is right, and what it costs: whole rollouts, decided by the planner, measured by the agent's figures.
import { scenarios } from '../support/noisy-board.ts';
import { type RolloutStatistics, simulateMany } from '../support/simulated-rollout.ts';
import { type Bench, countOption } from './harness/bench.ts';
import { digits } from './harness/format.ts';

const firstSeed = 1_000_001;
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const minutes = (seconds: number) => digits(seconds / 60, 2);
const kilojoules = (joules: number) => digits(joules / 1000, 2);

const cases = [
  ['successor, +10 %', { kind: 'successor', ratio: 1.1 }],
  ['successor, +5 % (the margin)', { kind: 'successor', ratio: 1.05 }],
  ['successor, no change', { kind: 'successor', ratio: 1 }],
  ['successor, −10 %', { kind: 'successor', ratio: 0.9 }],
  ['first version, 10 % over its budget', { kind: 'first', ratio: 1.1 }],
  ['first version, 10 % under its budget', { kind: 'first', ratio: 0.9 }],
] as const;

export const bench: Bench = {
  title: 'Verdicts of rollouts',
  async run(options) {
    const count = countOption(options, 'rollouts', 500);
    const rows: string[][] = [];
    for (const scenario of scenarios)
      for (const [name, rollout] of cases) {
        options.signal.throwIfAborted();
        options.note(`${scenario.name}, noise ${scenario.sd}, ${name}`);
        const statistics = simulateMany(count, firstSeed, { scenario, ...rollout });
        rows.push([scenario.name, `${percent(scenario.sd)}, ${scenario.rho}`, name, ...describe(statistics)]);
      }
    return await Promise.resolve({
      tables: [
        {
          caption: `${count} simulated rollouts per row, on a board of 5 W at work and 2.7 W idle whose power wanders (AR(1) from second to second) through a meter that reads in steps. Time and energy are those of the controlled loop: median, and the most of all.`,
          columns: [
            'meter',
            'noise, correlation',
            'candidate',
            'rejected',
            'promoted',
            'inconclusive',
            'minutes',
            'kJ of the board',
            'kJ above idle',
          ],
          rows,
        },
      ],
      remarks: [
        'To hold: +10 % rejected in at least 98 %, no change rejected in at most 2 %. Inconclusive asks a person; nothing is promoted by it.',
        'The margin is energyMarginPercent 5: a true change between nothing and the margin mostly passes, one at the margin is mostly inconclusive, rarely rejected.',
        'The planner orders looks after 6, 10, 16 and 24 quads (or windows); the agent adds windows to those that it has, 96 in all. Windows take 10 s, 60 s on meters of 1 Hz and slower.',
        'Before the loop comes the test on live requests, at most windowSeconds (300) and no energy of its own; before every loop a warm-up of seconds.',
      ],
    });
  },
};

function describe({ shares, seconds, joules, joulesAboveIdle }: RolloutStatistics): string[] {
  const pair = ([median, most]: [number, number], format: (value: number) => string) => `${format(median)}, ${format(most)}`;
  return [
    percent(shares.rejected),
    percent(shares.promoted),
    percent(shares.inconclusive),
    pair(seconds, minutes),
    pair(joules, kilojoules),
    pair(joulesAboveIdle, kilojoules),
  ];
}
