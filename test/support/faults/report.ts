// docs/faults.md: what was done to both servers, and what came of it.
import { faultCases } from './cases.ts';
import type { FaultResult, MatrixResult } from './matrix.ts';

const columns =
  '| fault | times | acknowledged | failed | lists | watches | inferences | seconds | lost | wrong | stuck | unanswered |';

export interface ServerReport {
  name: string;
  result: MatrixResult;
}

/** The numbers are those of one run, so a test compares the names of the faults alone. */
export function renderFaults(servers: readonly ServerReport[], seed: number): string {
  const lines = [
    '# Faults',
    '',
    'While four writers change sixteen objects, a controller copies each of them, two candidates hold one lease, and an agent serves a',
    'model that is exchanged for another once in every fault, each fault below happens to their connections or to the server. Beside it',
    'an observer without faults sees every change, and somebody asks the agent for inferences all the time. Seen from there:',
    '',
    '- *times*: how often something was done to a call, a watch or all connections;',
    '- *acknowledged* and *failed*: writes whose answer came, and writes whose caller got an error after all retries;',
    '- *lists* and *watches*: how often a cache had to list or to watch anew;',
    '- *inferences*: answers of the agent, while the fault lasted and until everything was well again;',
    '- *seconds*: from the end of the fault until caches, copies, queue and lease were as they should be, the agent served what was',
    '  declared during the fault, had said so, and had renewed its Lease;',
    '- *lost*: acknowledged values that were not there; *wrong*: values that nobody wrote or that came back, inferences by a version',
    '  that was not to be served; *stuck*: keys, caches, elections or agents that did not recover; *unanswered*: inferences that failed.',
    '  A number other than 0 in one of these four fails the suite.',
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
      '|---|---|---|---|---|---|---|---|---|---|---|---|',
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
    row.inferences,
    row.convergedSeconds.toFixed(1),
    row.lost.length,
    row.wrong.length,
    row.stuck === undefined ? 0 : 1,
    row.unanswered.length,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** The faults that a report speaks of, once each, in order. */
export function faultsOf(report: string): string[] {
  const names = [...report.matchAll(/^\| ([^|]+) \| \d/gm)].map(([, name]) => name ?? '');
  return [...new Set(names)];
}

export const faultNames = faultCases.map(({ says }) => says);
