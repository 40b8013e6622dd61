// A plan as a comment on a pull request. Names and messages come from files of others: they are data, not markup.
import type { ComparedDeployment } from '../../controller/plan/fleet-plan.ts';
import { formatEnergy } from '../../energy/units.ts';
import { changeSigns, headline, isYes, type PlanReport } from './plan-report.ts';
import { caveats, energyRows, interval, list, outcomeWords } from './plan-text.ts';

/** A job finds its own comment by it, and replaces it. */
export const commentMarker = '<!-- jouleops plan -->';

const shownRows = 200;

export function formatPlanMarkdown(report: PlanReport): string {
  const told = report.deployments.filter(({ change }) => change !== 'Unchanged');
  const rest = told.length - shownRows;
  const sections = [
    commentMarker,
    `### ${isYes(report) ? '✅' : '❌'} jouleops plan`,
    asText(headline(report)),
    ...(told.length === 0
      ? []
      : [table(['', 'deployment', 'outcome', 'devices', 'per inference', 'why'], told.slice(0, shownRows).map(row))]),
    ...(rest > 0 ? [`and ${rest} more deployments`] : []),
    ...(report.energy.length === 0
      ? []
      : [
          table(
            ['energy of the models', 'before', 'after', 'change'],
            report.energy.flatMap(energyRows).map(({ what, before, after, change }) => [what, before, after, change]),
          ),
        ]),
    ...caveats(report).map((note) => `> ${asText(note)}`),
    ...(report.errors.length === 0
      ? []
      : [
          table(
            ['file', 'error'],
            report.errors
              .slice(0, shownRows)
              .map(({ file, line, column, message }) => [
                `${file}${line === undefined ? '' : `:${line}:${column ?? 1}`}`,
                message,
              ]),
          ),
        ]),
  ];
  return `${sections.join('\n\n')}\n`;
}

function row({ name, change, before, after }: ComparedDeployment): string[] {
  const planned = after ?? before;
  const placements = after?.placements ?? [];
  const was = new Set((before?.placements ?? []).map(({ device }) => device));
  const is = new Set(placements.map(({ device }) => device));
  const moves = [
    ...placements.map(({ device }) => (before === undefined || was.has(device) ? device : `+${device}`)),
    ...[...was].filter((device) => !is.has(device)).map((device) => `−${device}`),
  ];
  const energies = [
    ...new Set(
      placements.flatMap(({ joulesPerInference, boundary }) =>
        joulesPerInference ? [`${interval(joulesPerInference, formatEnergy)} at ${boundary}`] : [],
      ),
    ),
  ];
  const outcome = after === undefined ? 'removed' : outcomeWords[after.outcome];
  const why = after === undefined ? '' : `${after.reason}: ${after.message}`;
  const model =
    before && after && before.modelVersion !== after.modelVersion ? ` (${before.modelVersion} → ${after.modelVersion})` : '';
  return [changeSigns[change], `${planned?.name ?? name}${model}`, outcome, list(moves), list(energies), why];
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(asText).join(' | ')} |`;
  return [line(columns), `|${columns.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

function asText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\`*_{}[\]|#~@]/g, '\\$&')
    .replaceAll(/\s+/g, ' ');
}
