// Replay with CHAOS_SEED, longer with CHAOS_SECONDS: `npm run verify:long` does ten minutes.
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, describe, test } from 'vitest';
import { withChaos } from '../../support/chaos/report.ts';
import { type ChaosResult, runChaos } from '../../support/chaos/run.ts';
import { embeddedServer, realServer } from '../../support/chaos/world.ts';
import { findBinaries } from '../../support/control-plane/binaries.ts';

const seed = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 1e6));
const seconds = Number(process.env['CHAOS_SECONDS'] ?? 60);
/** On an idle machine 2 s: mostly an agent that starts and loads its models. */
const convergenceSeconds = 20;
const reportFile = new URL('../../../docs/faults.md', import.meta.url);
const binaries = await findBinaries();
const missing =
  binaries.kind === 'absent' ? binaries.reason : binaries.controllerManager ? undefined : 'no kube-controller-manager';
if (missing !== undefined) process.stderr.write(`\nSkipped on a real kube-apiserver: ${missing}\n\n`);

describe(`processes killed at random for ${seconds} s (seed ${seed})`, () => {
  const results: ChaosResult[] = [];
  afterAll(async () => {
    if (process.env['FAULTS'] !== 'write') return;
    const sorted = results.toSorted((a, b) => (a.server < b.server ? -1 : 1));
    await writeFile(reportFile, withChaos(await readFile(reportFile, 'utf8'), sorted));
  });

  for (const server of [embeddedServer, realServer])
    test.skipIf(server === realServer && missing !== undefined).concurrent(
      `${server.name}: nothing declared is lost, the fleet converges, a living agent always answers`,
      async ({ expect }) => {
        const result = await runChaos(server, seed, seconds);
        results.push(result);
        process.stdout.write(`\n${JSON.stringify(result, undefined, 1)}\n`);
        const { lost, unfinished, probesFailed } = result;
        expect({ lost, unfinished, probesFailed }).toEqual({ lost: [], unfinished: [], probesFailed: [] });
        expect(result.convergedSeconds).toBeLessThan(convergenceSeconds);
        expect(result.acknowledged).toBeGreaterThan(seconds / 5);
        expect(result.probes).toBeGreaterThan(seconds);
      },
      (seconds + 180) * 1000,
    );
});
