// Replay with CHAOS_SEED, longer with CHAOS_SECONDS: `npm run verify:long` does ten minutes.
import { expect, test } from 'vitest';
import { runChaos } from '../../support/chaos/run.ts';

const seed = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 1e6));
const seconds = Number(process.env['CHAOS_SECONDS'] ?? 45);
/** On an idle machine 2 s: mostly an agent that starts and loads its models. */
const convergenceSeconds = 20;

test(
  `processes killed at random for ${seconds} s (seed ${seed}): nothing declared is lost, the fleet converges, a living agent always answers`,
  async () => {
    const result = await runChaos(seed, seconds);
    process.stdout.write(`\n${JSON.stringify(result, undefined, 1)}\n`);
    const { lost, unfinished, probesFailed } = result;
    expect({ lost, unfinished, probesFailed }).toEqual({ lost: [], unfinished: [], probesFailed: [] });
    expect(result.convergedSeconds).toBeLessThan(convergenceSeconds);
    expect(result.acknowledged).toBeGreaterThan(seconds / 5);
    expect(result.probes).toBeGreaterThan(seconds);
  },
  (seconds + 180) * 1000,
);
