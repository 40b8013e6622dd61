// A plan with what surrounds it: where it is from, files that could not be read, and whether the answer is yes. Pure.
import type { FileError } from '../../controller/fleet/manifest.ts';
import { type ComparedDeployment, type FleetPlan, problemsOf } from '../../controller/plan/fleet-plan.ts';
import { counted } from '../../kube/meta/counted.ts';

export interface PlanReport extends FleetPlan {
  source: string;
  errors: FileError[];
  /** Deployments that this change gets a no for. */
  problems: string[];
  /** Boundaries at which the models' power rises by more than was allowed. */
  increases: string[];
}

/** @param maximumIncreasePercent most that the models' estimated power may rise at any boundary */
export function reportPlan(
  plan: FleetPlan,
  { source, errors, maximumIncreasePercent }: { source: string; errors: FileError[]; maximumIncreasePercent?: number },
): PlanReport {
  return {
    source,
    ...plan,
    errors: errors.map(({ file, line, column, message }) => ({
      file,
      ...(line === undefined ? {} : { line }),
      ...(column === undefined ? {} : { column }),
      message,
    })),
    problems: problemsOf(plan).map(({ name }) => name),
    increases: maximumIncreasePercent === undefined ? [] : increases(plan, maximumIncreasePercent),
  };
}

function increases({ energy }: FleetPlan, maximumPercent: number): string[] {
  return energy.flatMap(({ boundary, before, changeWatts }) => {
    const allowed = (before.watts.estimate * maximumPercent) / 100;
    return before.placements > 0 && changeWatts.estimate > allowed ? [boundary] : [];
  });
}

export function isYes({ errors, problems, increases: rising, warnings }: PlanReport): boolean {
  return errors.length + problems.length + rising.length + warnings.length === 0;
}

export const changeSigns: Record<ComparedDeployment['change'], string> = {
  Added: '+',
  Changed: '~',
  Affected: '!',
  Unchanged: '=',
  Removed: '-',
};

const changeWords: Record<ComparedDeployment['change'], string> = {
  Added: 'added',
  Changed: 'changed',
  Affected: 'affected by others',
  Unchanged: 'unchanged',
  Removed: 'removed',
};

export function headline(report: PlanReport): string {
  const counts = Map.groupBy(report.deployments, ({ change }) => change);
  const words = [...counts].map(([change, all]) => `${all.length} ${changeWords[change]}`);
  const refused = report.problems.length === 0 ? '' : `; ${report.problems.length} of them cannot go ahead`;
  return `${report.source}: ${words.length === 0 ? 'no deployments' : words.join(', ')} on ${counted(report.devices, 'device')}${refused}`;
}
