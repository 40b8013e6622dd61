// Before and after, side by side. Pure.
import { type Boundary, boundaries, type Estimate } from '../../energy/prediction/prediction.ts';
import { sameContent } from '../content-hash.ts';
import type { SnapshotSources } from '../placement/snapshot.ts';
import type { Side } from './decide-side.ts';
import type {
  BoundaryEnergy,
  Change,
  ComparedDeployment,
  FleetPlan,
  ModelPower,
  PlannedDeployment,
  PlannedPlacement,
} from './fleet-plan.ts';

export interface World {
  sources: SnapshotSources;
  side: Side;
}

const secondsPerDay = 86_400;

export function compareSides(before: World, after: World, warnings: readonly string[]): FleetPlan {
  const was = byName(before.side);
  const is = byName(after.side);
  const names = [...new Set([...was.keys(), ...is.keys()])].sort();
  return {
    deployments: names.map((name) => compareDeployment(name, was.get(name), is.get(name), isTouched(before, after, name))),
    energy: compareEnergy(before, after),
    devices: after.sources.devices.size,
    warnings: [...warnings],
  };
}

function byName({ deployments }: Side): Map<string, PlannedDeployment> {
  return new Map(deployments.map((deployment) => [deployment.name, deployment]));
}

function compareDeployment(
  name: string,
  before: PlannedDeployment | undefined,
  after: PlannedDeployment | undefined,
  touched: boolean,
): ComparedDeployment {
  const change: Change =
    before === undefined
      ? 'Added'
      : after === undefined
        ? 'Removed'
        : touched
          ? 'Changed'
          : sameOutcome(before, after)
            ? 'Unchanged'
            : 'Affected';
  return { name, change, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}

/** Its own spec, or what it names by name: a ModelVersion that was replaced by another of the same name. */
function isTouched(before: World, after: World, name: string): boolean {
  const [was, is] = [before, after].map(({ sources }) => {
    const deployment = sources.deployments.get(name);
    const version = sources.versions.get(`${deployment?.metadata.namespace}/${deployment?.spec.modelVersionName}`);
    return [deployment?.spec, version?.spec];
  });
  return !sameContent(was, is);
}

/** What a person would notice: not the wording, nor a number that moved without consequence. */
function sameOutcome(before: PlannedDeployment, after: PlannedDeployment): boolean {
  const placed = ({ placements }: PlannedDeployment) => placements.map(({ device, variant }) => `${device} ${variant}`).sort();
  return before.outcome === after.outcome && sameContent(placed(before), placed(after));
}

function compareEnergy(before: World, after: World): BoundaryEnergy[] {
  return boundaries.flatMap((boundary) => {
    const [was, is] = [before, after].map(({ side }) => placementsAt(side, boundary));
    if (!was || !is || was.size + is.size === 0) return [];
    return [
      {
        boundary,
        before: powerOf(was.values()),
        after: powerOf(is.values()),
        changeWatts: changeOf(was, is),
        idle: idleAt(after.sources, boundary),
      },
    ];
  });
}

function placementsAt({ deployments }: Side, boundary: Boundary): Map<string, PlannedPlacement> {
  return new Map(
    deployments.flatMap(({ name, placements }) =>
      placements.flatMap((placement): [string, PlannedPlacement][] =>
        placement.boundary === boundary ? [[`${name} ${placement.device}`, placement]] : [],
      ),
    ),
  );
}

function powerOf(placements: Iterable<PlannedPlacement>): ModelPower {
  let watts = nothing;
  let known = 0;
  let unknownPlacements = 0;
  for (const placement of placements) {
    if (placement.watts) {
      watts = plus(watts, placement.watts);
      known++;
    } else unknownPlacements++;
  }
  return { watts, joulesPerDay: times(watts, secondsPerDay), placements: known + unknownPlacements, unknownPlacements };
}

function changeOf(was: ReadonlyMap<string, PlannedPlacement>, is: ReadonlyMap<string, PlannedPlacement>): Estimate {
  let change = nothing;
  for (const key of new Set([...was.keys(), ...is.keys()])) {
    const [old, young] = [was.get(key), is.get(key)];
    // What becomes unknown has not become less.
    if (old && young && (old.watts === undefined) !== (young.watts === undefined)) continue;
    const [before, after] = [old?.watts ?? nothing, young?.watts ?? nothing];
    if (sameContent(before, after)) continue;
    change = plus(change, {
      estimate: after.estimate - before.estimate,
      lower: after.lower - before.upper,
      upper: after.upper - before.lower,
    });
  }
  return change;
}

function idleAt({ devices, estimator }: SnapshotSources, boundary: Boundary): BoundaryEnergy['idle'] {
  const readings = devices.list().map((device) => estimator.idleWatts(device, boundary));
  const known = readings.filter((watts) => watts !== undefined);
  return {
    watts: known.reduce((sum, watts) => sum + watts, 0),
    devices: known.length,
    unknownDevices: readings.length - known.length,
  };
}

const nothing: Estimate = { estimate: 0, lower: 0, upper: 0 };

function plus(a: Estimate, b: Estimate): Estimate {
  return { estimate: a.estimate + b.estimate, lower: a.lower + b.lower, upper: a.upper + b.upper };
}

function times({ estimate, lower, upper }: Estimate, factor: number): Estimate {
  return { estimate: estimate * factor, lower: lower * factor, upper: upper * factor };
}
