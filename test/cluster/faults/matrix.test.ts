import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chaosOf, matrixOf } from '../../support/chaos/report.ts';
import { sharedControlPlane } from '../../support/control-plane/shared.ts';
import { eventually } from '../../support/eventually.ts';
import { mostAgentCalls } from '../../support/faults/agent.ts';
import { type MatrixResult, runMatrix } from '../../support/faults/matrix.ts';
import { faultNames, faultsOf, renderFaults, renderRow, type ServerReport } from '../../support/faults/report.ts';
import { EmbeddedProcess, type FaultTarget, startRealTarget } from '../../support/faults/target.ts';
import { mostCalls } from '../../support/faults/workload.ts';
import { takeInventory } from '../../support/inventory.ts';

const seed = Number(process.env['FAULTS_SEED'] ?? 20_261_121);
const reportFile = new URL('../../../docs/faults.md', import.meta.url);
/** The longest wait of a client after some seconds of trouble, and this machine's own slowness. */
const convergenceSeconds = 12;

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
    if (process.env['FAULTS'] !== 'write') return;
    await writeFile(reportFile, `${report}\n${chaosOf(await readFile(reportFile, 'utf8'))}`);
  });

  const servers: { name: string; start: () => Promise<FaultTarget>; absent: boolean }[] = [
    { name: 'The embedded server', start: () => EmbeddedProcess.start(), absent: false },
    { name: 'A real kube-apiserver', start: startRealTarget, absent: sharedControlPlane()?.controllerManager !== true },
  ];
  for (const { name, start, absent } of servers) {
    test
      .skipIf(absent)
      .concurrent(`${name}: no write is lost or wrong, no key stuck, one leader`, { timeout: 240_000 }, async ({ expect }) => {
        const target = await start();
        let result: MatrixResult;
        try {
          result = await runMatrix(target, seed);
        } finally {
          await target.close();
        }
        reports.push({ name, result });
        for (const row of result.results) {
          const { lost, wrong, stuck, unanswered } = row;
          const nothing = { lost: [], wrong: [], stuck: undefined, unanswered: [] };
          expect({ lost, wrong, stuck, unanswered }, renderRow(row)).toEqual(nothing);
          expect(row.convergedSeconds, renderRow(row)).toBeLessThan(convergenceSeconds);
          expect(row.acknowledged, renderRow(row)).toBeGreaterThan(0);
          expect(row.inferences, renderRow(row)).toBeGreaterThan(0);
        }
        expect(result.mostLeaders).toBe(1);
        const [first, last] = result.atRest;
        expect(last?.watches).toBe(first?.watches);
        expect(last?.connections).toBeLessThanOrEqual((first?.connections ?? 0) + mostCalls + mostAgentCalls);
      });
  }

  test('leave no memory, socket, timer or process behind', async () => {
    await eventually(async () => {
      const after = await takeInventory();
      expect(after.sockets).toBeLessThanOrEqual(before.sockets);
      expect(after.children).toBeLessThanOrEqual(before.children);
      expect(after.timers).toBeLessThanOrEqual(before.timers + 2); // those of the test itself
      expect(after.heapMebibytes - before.heapMebibytes).toBeLessThan(24);
    }, 20);
  });

  test.skipIf(process.env['FAULTS'] === 'write')('docs/faults.md speaks of each of them', async () => {
    const document = await readFile(reportFile, 'utf8');
    expect(faultsOf(matrixOf(document))).toEqual(faultNames);
    expect(chaosOf(document)).toContain('kills of');
  });
});
