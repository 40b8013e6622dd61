// Replay with SEED; more with ROLLOUTS: `npm run verify:long` does 150.
import { expect, test } from 'vitest';
import { runRolloutChaos } from '../../support/rollout-chaos/run.ts';

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e6));
const lanes = 5;
const rollouts = Number(process.env['ROLLOUTS'] ?? 30);
const limitSeconds = 120 + 10 * rollouts;

test(
  `${rollouts} rollouts on 20 devices through kills, cut lines, damaged downloads and wrong clocks (SEED=${seed}): no device serves what it must not, every rollout ends as its verdict says`,
  async () => {
    const note = (text: string) => process.stdout.write(`${text}\n`);
    const options = { seed, lanes, devicesPerLane: 4, rolloutsPerLane: Math.ceil(rollouts / lanes), note };
    const result = await runRolloutChaos(options, AbortSignal.timeout(limitSeconds * 1000));
    process.stdout.write(`\n${JSON.stringify(result, undefined, 1)}\n`);
    const { violations, wrong, astray } = result;
    expect({ violations, wrong, astray }, `SEED=${seed} repeats it`).toEqual({ violations: [], wrong: [], astray: [] });
    expect(result.rollouts).toBeGreaterThanOrEqual(rollouts);
    expect(result.rejected, 'some had to be rejected').toBeGreaterThan(0);
    expect(result.kills + result.partitions, 'things broke').toBeGreaterThan(rollouts / 3);
  },
  (limitSeconds + 60) * 1000,
);
