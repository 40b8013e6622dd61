// A report for people at a terminal.
import type { CaseResult, ConformanceReport } from '../suite.ts';

const marks: Record<CaseResult['outcome'], string> = { passed: 'ok  ', failed: 'FAIL', advice: 'note', skipped: 'skip' };

export function textReport(report: ConformanceReport): string {
  const lines = [
    `${report.server.name} ${report.server.version} at ${report.url}`,
    `extensions: ${report.extensions.join(', ') || 'none announced'}`,
    ...report.models.map(({ name, inputs }) => `model ${name}: ${inputs.join('; ')}`),
    ...report.left.map(({ model, why }) => `model ${model} is left out: ${why}`),
  ];
  let group = '';
  for (const result of report.results) {
    if (result.group !== group) lines.push('', result.group);
    group = result.group;
    lines.push(`  ${marks[result.outcome]}  ${result.title}`);
    if (result.message !== undefined) lines.push(`          ${result.message}`);
  }
  return `${[...lines, '', summary(report)].join('\n')}\n`;
}

export function summary({ counts, results }: ConformanceReport): string {
  return `${results.length} cases: ${counts.passed} passed, ${counts.failed} failed, ${counts.advice} notes, ${counts.skipped} skipped`;
}
