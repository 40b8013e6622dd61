// A plan for a terminal.
import type {
  BoundaryEnergy,
  ComparedDeployment,
  ModelPower,
  PlannedDeployment,
  PlannedPlacement,
} from '../../controller/plan/fleet-plan.ts';
import type { Estimate } from '../../energy/prediction/prediction.ts';
import { formatEnergy, formatPower } from '../../energy/units.ts';
import { counted } from '../../kube/meta/counted.ts';
import { formatTable } from '../output/table.ts';
import { changeSigns, headline, type PlanReport } from './plan-report.ts';

const shownPlacements = 6;
const shownErrors = 20;

export function formatPlanText(report: PlanReport): string {
  const told = report.deployments.filter(({ change }) => change !== 'Unchanged');
  const same = report.deployments.filter(({ change }) => change === 'Unchanged');
  const sections = [
    headline(report),
    ...told.map(describeDeployment),
    ...(same.length === 0 ? [] : [`= ${same.length} unchanged: ${list(same.map(({ name }) => name))}`]),
    ...(report.energy.length === 0 ? [] : [formatEnergyTable(report)]),
    ...remarks(report),
  ];
  return `${sections.join('\n\n')}\n`;
}

function describeDeployment({ name, change, before, after }: ComparedDeployment): string {
  const planned = after ?? before;
  if (!planned) return name;
  if (change === 'Removed')
    return `- ${name}\n    goes from ${list((before?.placements ?? []).map(({ device }) => device)) || 'no device'}`;
  const lines = [
    `${changeSigns[change]} ${name}: ${outcomeWords[planned.outcome]} (${planned.reason})`,
    ...(before && before.outcome !== planned.outcome ? [`    before: ${outcomeWords[before.outcome]} (${before.reason})`] : []),
    ...(before && before.modelVersion !== planned.modelVersion ? [`    ${before.modelVersion} → ${planned.modelVersion}`] : []),
    `    ${planned.message}`,
    ...describePlacements(before, planned),
    ...describeMisses(planned),
  ];
  return lines.join('\n');
}

export const outcomeWords: Record<PlannedDeployment['outcome'], string> = {
  Admitted: 'admitted',
  Canary: 'admitted, a test on the device decides',
  Refused: 'refused',
  Short: 'too few devices',
  Unresolved: 'no usable model',
  Rejected: 'rejected before',
  Suspended: 'suspended',
};

function describePlacements(before: PlannedDeployment | undefined, { placements }: PlannedDeployment): string[] {
  const was = new Set((before?.placements ?? []).map(({ device }) => device));
  const is = new Set(placements.map(({ device }) => device));
  const lines = placements.map(
    (placement) => `    ${before === undefined || was.has(placement.device) ? ' ' : '+'} ${describePlacement(placement)}`,
  );
  const gone = [...was].filter((device) => !is.has(device)).map((device) => `    - ${device}`);
  const all = [...lines, ...gone];
  return all.length <= shownPlacements
    ? all
    : [...all.slice(0, shownPlacements), `      and ${all.length - shownPlacements} more devices`];
}

export function describePlacement(placement: PlannedPlacement): string {
  const { device, deviceClass, variant, joulesPerInference, watts, boundary, unknown, admission } = placement;
  const numbers = [
    ...(joulesPerInference ? [`${interval(joulesPerInference, formatEnergy)} per inference`] : ['energy unknown']),
    ...(watts ? [`${interval(watts, formatPower)} at its load`] : unknown === undefined ? [] : [unknown]),
  ];
  const kept = admission === 'Kept' ? ', keeps what it serves' : '';
  return `${device} (${deviceClass}, ${variant ?? 'nothing yet'}${kept}): ${numbers.join(', ')}, at ${boundary}`;
}

function describeMisses({ misses, outcome, candidateCounts }: PlannedDeployment): string[] {
  if (outcome === 'Admitted' || outcome === 'Canary' || outcome === 'Suspended') return [];
  const others = Object.entries(candidateCounts)
    .map(([verdict, count]) => `${count} ${verdict}`)
    .join(', ');
  return [
    ...misses.map(
      ({ deviceName, verdict, message }) => `      ${deviceName}: ${verdict}${message === undefined ? '' : `, ${message}`}`,
    ),
    ...(others === '' ? [] : [`      devices: ${others}`]),
  ];
}

function formatEnergyTable({ energy }: PlanReport): string {
  return formatTable(
    [
      { title: 'ENERGY OF THE MODELS', value: ({ what }) => what },
      { title: 'BEFORE', value: ({ before }) => before },
      { title: 'AFTER', value: ({ after }) => after },
      { title: 'CHANGE', value: ({ change }) => change },
    ],
    energy.flatMap(energyRows),
  );
}

export interface EnergyRow {
  what: string;
  before: string;
  after: string;
  change: string;
}

const secondsPerDay = 86_400;

export function energyRows({ boundary, before, after, changeWatts, idle }: BoundaryEnergy): EnergyRow[] {
  const perDay = (watts: Estimate) => scale(watts, secondsPerDay);
  const rows = [
    {
      what: `${boundary}, power`,
      before: sum(before, before.watts, formatPower),
      after: sum(after, after.watts, formatPower),
      change: signed(changeWatts, formatPower),
    },
    {
      what: `${boundary}, per day`,
      before: sum(before, before.joulesPerDay, formatEnergy),
      after: sum(after, after.joulesPerDay, formatEnergy),
      change: signed(perDay(changeWatts), formatEnergy),
    },
  ];
  if (idle.devices === 0) return rows;
  const resting = `${formatPower(idle.watts)}, ${formatEnergy(idle.watts * secondsPerDay)} per day`;
  return [
    ...rows,
    { what: `${boundary}, ${counted(idle.devices, 'device')} at rest`, before: resting, after: resting, change: '' },
  ];
}

/** A sum of nothing that is known is no zero. */
function sum({ placements, unknownPlacements }: ModelPower, value: Estimate, format: (value: number) => string): string {
  return placements > 0 && placements === unknownPlacements ? 'unknown' : interval(value, format);
}

export function interval({ estimate, lower, upper }: Estimate, format: (value: number) => string): string {
  return estimate === 0 && lower === 0 && upper === 0 ? '0' : `${format(estimate)} [${format(lower)}, ${format(upper)}]`;
}

export function signed({ estimate, lower, upper }: Estimate, format: (value: number) => string): string {
  const one = (value: number) => (value === 0 ? '0' : `${value < 0 ? '−' : '+'}${format(Math.abs(value))}`);
  return estimate === 0 && lower === 0 && upper === 0 ? 'none' : `${one(estimate)} [${one(lower)}, ${one(upper)}]`;
}

function scale({ estimate, lower, upper }: Estimate, factor: number): Estimate {
  return { estimate: estimate * factor, lower: lower * factor, upper: upper * factor };
}

/** What a reader of the numbers must know. */
export function caveats({ energy, increases, warnings }: PlanReport): string[] {
  return [
    ...energy
      .filter(({ after }) => after.unknownPlacements > 0)
      .map(
        ({ boundary, after }) =>
          `${after.unknownPlacements} of ${after.placements} placements are in no sum at ${boundary}: no load.requestRate, or no prediction`,
      ),
    ...increases.map((boundary) => `the power of the models at ${boundary} rises by more than --max-increase allows`),
    ...warnings,
  ];
}

function remarks(report: PlanReport): string[] {
  const notes = caveats(report);
  const errors = report.errors.map(
    ({ file, line, column, message }) => `${file}${line === undefined ? '' : `:${line}:${column ?? 1}`}: ${message}`,
  );
  return [
    ...(notes.length === 0 ? [] : [notes.map((note) => `note: ${note}`).join('\n')]),
    ...(errors.length === 0
      ? []
      : [
          [
            `errors in files (${errors.length}); what they declare stays as it was, and nothing is pruned:`,
            ...errors.slice(0, shownErrors).map((error) => `  ${error}`),
            ...(errors.length > shownErrors ? [`  and ${errors.length - shownErrors} more`] : []),
          ].join('\n'),
        ]),
  ];
}

const shownNames = 8;

export function list(names: readonly string[]): string {
  const rest = names.length - shownNames;
  return names.slice(0, shownNames).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
