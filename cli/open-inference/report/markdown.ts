// One report, or several side by side, as Markdown.
import type { CaseResult, ConformanceReport } from '../suite.ts';

export interface NamedReport {
  /** Heads its column. */
  name: string;
  report: ConformanceReport;
}

const words: Record<CaseResult['outcome'], string> = { passed: 'yes', failed: '**no**', advice: 'otherwise', skipped: '–' };

/** Tables of all cases, a column per server, and below each what the servers answered where it was not as asked. */
export function markdownReport(reports: readonly NamedReport[]): string {
  const first = reports[0]?.report.results ?? [];
  const groups = [...new Set(first.map(({ group }) => group))];
  const of = ({ report }: NamedReport, id: string) => report.results.find((result) => result.id === id);
  const sections = groups.map((group) => {
    const cases = first.filter((result) => result.group === group);
    const rows = cases.map(({ id, title, level }) => [
      escaped(title),
      level,
      ...reports.map((one) => {
        const outcome = of(one, id)?.outcome;
        return outcome === undefined ? '' : words[outcome];
      }),
    ]);
    const answers = reports.flatMap((one) => cases.flatMap(({ id, title }) => answerOf(one, title, of(one, id))));
    const table = tableOf(['case', 'level', ...reports.map(({ name }) => name)], rows);
    return [`## ${group}`, table, ...(answers.length === 0 ? [] : [answers.join('\n')])].join('\n\n');
  });
  const totals = tableOf(
    ['', 'cases', 'as asked', 'not', 'otherwise than advised', 'skipped'],
    reports.map(({ name, report: { counts, results } }) =>
      [name, results.length, counts.passed, counts.failed, counts.advice, counts.skipped].map(String),
    ),
  );
  return [totals, ...sections].join('\n\n');
}

function answerOf({ name }: NamedReport, title: string, result: CaseResult | undefined): string[] {
  if (!result || result.message === undefined || result.outcome === 'skipped') return [];
  return [`- ${name}, “${escaped(title)}”: ${code(result.message)}`];
}

/** Answers are the server's text: shown as code, on one line; identifiers that it made up would differ each time. */
function code(message: string): string {
  const same = message.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '…');
  return `\`${same.replaceAll('`', 'ˋ').replaceAll(/\s+/g, ' ')}\``;
}

const escaped = (text: string) => text.replaceAll('|', '\\|');

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}
