// The part of docs/faults.md about processes that were killed.
import type { ChaosResult } from './run.ts';

export const chaosHeading = '## Processes killed at random';

/** The document with its last part told anew; everything before the heading stays. */
export function withChaos(document: string, results: readonly ChaosResult[]): string {
  return `${matrixOf(document).trimEnd()}\n\n${renderChaos(results)}`;
}

/** The document without that part. */
export function matrixOf(document: string): string {
  return document.split(chaosHeading)[0] ?? '';
}

/** That part, or nothing where there is none. */
export function chaosOf(document: string): string {
  return document.slice(matrixOf(document).length);
}

function renderChaos(results: readonly ChaosResult[]): string {
  const killed = [...new Set(results.flatMap(({ kills }) => Object.keys(kills)))].sort();
  const rows: [string, (result: ChaosResult) => number | string][] = [
    ...killed.map((name): [string, (result: ChaosResult) => number] => [`kills of ${name}`, ({ kills }) => kills[name] ?? 0]),
    ['declarations acknowledged', ({ acknowledged }) => acknowledged],
    ['declarations repeated until they were', ({ repeated }) => repeated],
    ['questions to agents', ({ probes }) => probes],
    ['not answered by an agent that lived', ({ probesFailed }) => probesFailed.length],
    ['seconds from the last kill to the fleet as declared', ({ convergedSeconds }) => convergedSeconds.toFixed(1)],
    ['declarations lost', ({ lost }) => lost.length],
    ['not as declared at the end', ({ unfinished }) => unfinished.length],
  ];
  const [first] = results;
  return [
    chaosHeading,
    '',
    `SIGKILL for one process of the product at a time, at random moments for ${first?.seconds} s (seed ${first?.seed}), each started again within a`,
    'second, while somebody changes, deletes and declares deployments. Agents are asked ten times a second for the model that nobody changes;',
    'only one that was killed itself, or whose model was, may fail to answer until it is back. Written by `FAULTS=write npx vitest run',
    '--project e2e test/e2e/chaos`.',
    '',
    `| | ${results.map(({ server }) => server).join(' | ')} |`,
    `|---|${results.map(() => '---|').join('')}`,
    ...rows.map(([name, value]) => `| ${name} | ${results.map(value).join(' | ')} |`),
    '',
  ].join('\n');
}
