import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sharedControlPlane } from '../../support/control-plane/shared.ts';
import { eventually } from '../../support/eventually.ts';
import { type MatrixResult, runMatrix } from '../../support/faults/matrix.ts';
import { faultNames, faultsOf, renderFaults, renderRow, type ServerReport } from '../../support/faults/report.ts';
import { EmbeddedProcess, type FaultTarget, startRealTarget } from '../../support/faults/target.ts';
import { mostCalls } from '../../support/faults/workload.ts';
import { takeInventory } from '../../support/inventory.ts';

const seed = Number(process.env['FAULTS_SEED'] ?? 20_261_121);
const reportFile = new URL('../../../docs/faults.md', import.meta.url);
/** The longest wait of a cache or a queue after a second of trouble, and this machine's own slowness. */
const convergenceSeconds = 8;

describe('faults', () => {
  const reports: ServerReport[] = [];
  let before: Awaited<ReturnType<typeof takeInventory>>;
  beforeAll(async () => {
    before = await takeInventory();
  });
  afterAll(async () => {
    const report = renderFaults(
      reports.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      seed,
    );
    process.stdout.write(`\n${report}\n`);
    if (process.env['FAULTS'] === 'write') await writeFile(reportFile, report);
  });

  const servers: { name: string; start: () => Promise<FaultTarget>; absent: boolean }[] = [
    { name: 'The embedded server', start: () => EmbeddedProcess.start(), absent: false },
    { name: 'A real kube-apiserver', start: startRealTarget, absent: sharedControlPlane() === undefined },
  ];
  for (const { name, start, absent } of servers) {
    test.skipIf(absent).concurrent(`${name}: no write is lost or wrong, no key stuck, one leader`, async ({ expect }) => {
      const target = await start();
      let result: MatrixResult;
      try {
        result = await runMatrix(target, seed);
      } finally {
        await target.close();
      }
      reports.push({ name, result });
      for (const row of result.results) {
        const { lost, wrong, stuck } = row;
        expect({ lost, wrong, stuck }, renderRow(row)).toEqual({ lost: [], wrong: [], stuck: undefined });
        expect(row.convergedSeconds, renderRow(row)).toBeLessThan(convergenceSeconds);
        expect(row.acknowledged, renderRow(row)).toBeGreaterThan(0);
      }
      expect(result.mostLeaders).toBe(1);
      const [first, last] = result.atRest;
      expect(last?.watches).toBe(first?.watches);
      expect(last?.connections).toBeLessThanOrEqual((first?.connections ?? 0) + mostCalls);
    });
  }

  test('leave no memory, socket or timer behind', async () => {
    await eventually(async () => {
      const after = await takeInventory();
      expect(after.sockets).toBeLessThanOrEqual(before.sockets);
      expect(after.timers).toBeLessThanOrEqual(before.timers + 2); // those of the test itself
      expect(after.heapMebibytes - before.heapMebibytes).toBeLessThan(24);
    }, 20);
  });

  test('docs/faults.md speaks of each of them', async () => {
    expect(faultsOf(await readFile(reportFile, 'utf8'))).toEqual(faultNames);
  });
});
