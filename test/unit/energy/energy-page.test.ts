// The page's generated tables and the cards of the predictors that ship say the same of one another.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parsePredictor } from '../../../energy/prediction/predictor.ts';
import { type PlanName, shippedPlans } from '../../../energy/prediction/training/plans.ts';
import type { Scores } from '../../../energy/prediction/training/scores.ts';

const root = new URL('../../../', import.meta.url);
const page = readFileSync(new URL('docs/energy.md', root), 'utf8');
const names = Object.keys(shippedPlans) as PlanName[];

function generated(section: string): string {
  const [, after = ''] = page.split(`<!-- generated: ${section} -->\n`);
  return after.split('<!-- /generated -->')[0] ?? '';
}

/** The numbers of a row, which both sides have rounded: as near as that leaves them. */
function expectRow(table: string, name: string, { meanAbsolutePercent, medianAbsolutePercent, r2, logR2 }: Scores): void {
  const line = table.split('\n').find((one) => one.startsWith(`| ${name} |`)) ?? '';
  const [, , ...cells] = line.split('|').map((cell) => Number.parseFloat(cell));
  const near = (value: number, digits: number) => {
    const shown = cells.shift() ?? Number.NaN;
    expect(Math.abs(shown - value), `${name}: ${shown} and ${value}`).toBeLessThan(0.51 * 10 ** -digits + Math.abs(value) * 5e-4);
  };
  near(meanAbsolutePercent, 1);
  near(medianAbsolutePercent, 1);
  near(r2, 3);
  near(logR2, 3);
}

describe.each(names)('docs/energy.md of %s', (name) => {
  const { card } = parsePredictor(readFileSync(new URL(`data/predictors/${name}.json`, root), 'utf8'));
  const table =
    generated('scores')
      .split('### ')
      .find((part) => part.startsWith(`${name}\n`)) ?? '';

  it('has the card’s rows and scores', () => {
    const { byArchitecture, byFamily } = card.scores;
    expect(table).toContain(`\n${card.rows} rows, ${card.architectures} architectures; `);
    expectRow(table, '**this predictor**', byArchitecture);
    if (!byFamily) throw new Error('the card has no scores on unseen families');
    const kind = name.includes('corerail') ? 'input size' : 'family';
    expectRow(table, `**this predictor, ${kind} never seen**`, byFamily);
    expectRow(table, 'latency, this predictor', card.latencyScores.byArchitecture);
    for (const { name: baseline, scores } of card.baselines) expectRow(table, baseline, scores);
  });

  it('has the card’s coverage, and says how wide the interval is that ships', () => {
    const { insidePermille, insideCount, outsidePermille, outsideCount, halfWidthFactor } = card.coverage;
    const [, , inside = '', outside = ''] =
      generated('coverage')
        .split('\n')
        .find((line) => line.startsWith(`| ${name} |`))
        ?.split('|') ?? [];
    expect(inside).toMatch(new RegExp(` of ${insideCount} = ${(insidePermille / 10).toFixed(1)} % `));
    if (outsideCount !== undefined && outsidePermille !== undefined)
      expect(outside).toMatch(new RegExp(` of ${outsideCount} = ${(outsidePermille / 10).toFixed(1)} % `));
    expect(page).toMatch(new RegExp(`×${halfWidthFactor.toFixed(2)} for ${name}`));
  });
});
