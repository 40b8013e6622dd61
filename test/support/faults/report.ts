// docs/faults.md: what was done to both servers, and what came of it.
import { faultCases } from './cases.ts';
import type { FaultResult, MatrixResult } from './matrix.ts';

const columns = '| fault | times | acknowledged | failed | lists | watches | seconds | lost | wrong | stuck |';

export interface ServerReport {
  name: string;
  result: MatrixResult;
}

/** The numbers are those of one run, so a test compares the names of the faults alone. */
export function renderFaults(servers: readonly ServerReport[], seed: number): string {
  const lines = [
    '# Faults',
    '',
    `While four writers change sixteen objects, a controller copies each of them and two candidates hold one lease, each fault below`,
    'happens to their connection or to the server. Beside it an observer without faults sees every change. Seen from there:',
    '',
    '- *times*: how often something was done to a call, a watch or all connections;',
    '- *acknowledged* and *failed*: writes whose answer came, and writes whose caller got an error after all retries;',
    '- *lists* and *watches*: how often a cache had to list or to watch anew;',
    '- *seconds*: from the end of the fault until caches, copies, queue and lease were as they should be;',
    '- *lost*: acknowledged values that were not there; *wrong*: values that nobody wrote, or that came back; *stuck*: keys, caches or',
    '  elections that did not recover. A number other than 0 fails the suite.',
    '',
    'Beside this table: every process killed at random while users change what they declare (`test/e2e/chaos`; ten minutes of it are',
    '`npm run verify:long`), a disk that fills up (`test/e2e/faults`), three controllers killed, frozen and cut off (`test/cluster/election`),',
    'and each fault of a watch alone, with a clock that the test moves (`test/integration/kube`).',
    '',
    `Written by \`FAULTS=write npm run test:cluster -- faults\` with seed ${seed}; the numbers of another run differ.`,
    '',
  ];
  for (const { name, result } of servers) {
    const all = result.results;
    const sum = (pick: (row: FaultResult) => number) => all.reduce((total, row) => total + pick(row), 0);
    lines.push(
      `## ${name}`,
      '',
      `${sum((row) => row.injected)} faults, ${sum((row) => row.acknowledged)} acknowledged writes; at most ${result.mostLeaders} leader at a time.`,
      '',
      columns,
      '|---|---|---|---|---|---|---|---|---|---|',
      ...all.map(renderRow),
      '',
    );
  }
  return lines.join('\n');
}

export function renderRow(row: FaultResult): string {
  const cells = [
    row.fault,
    row.injected,
    row.acknowledged,
    row.failed,
    row.relists,
    row.reconnects,
    row.convergedSeconds.toFixed(1),
    row.lost.length,
    row.wrong.length,
    row.stuck === undefined ? 0 : 1,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** The faults that a report speaks of, once each, in order. */
export function faultsOf(report: string): string[] {
  const names = [...report.matchAll(/^\| ([^|]+) \| \d/gm)].map(([, name]) => name ?? '');
  return [...new Set(names)];
}

export const faultNames = faultCases.map(({ says }) => says);
