// Results as Markdown, and their place in docs/benchmarks.md.
import type { BenchResult, BenchTable } from './bench.ts';

export function formatResult(title: string, result: BenchResult, circumstances: string): string {
  return [
    `## ${title}`,
    circumstances,
    ...result.tables.map(formatTable),
    ...(result.remarks.length === 0 ? [] : [result.remarks.map((remark) => `- ${remark}`).join('\n')]),
  ].join('\n\n');
}

function formatTable({ caption, columns, rows }: BenchTable): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [caption, '', line(columns), `|${columns.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

/** The page with the section of this bench replaced, or added before the end marker. @throws Error when the page has no markers. */
export function withSection(page: string, name: string, text: string): string {
  const begin = `<!-- bench ${name} -->`;
  const end = `<!-- /bench ${name} -->`;
  const section = `${begin}\n${text}\n${end}`;
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from >= 0 && to > from) return page.slice(0, from) + section + page.slice(to + end.length);
  const last = page.indexOf(endOfResults);
  if (last < 0) throw new Error(`docs/benchmarks.md has no line "${endOfResults}" to write results before; put it back`);
  return `${page.slice(0, last)}${section}\n\n${page.slice(last)}`;
}

const endOfResults = '<!-- end of results -->';
