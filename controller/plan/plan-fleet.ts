// Two fleets in, what changes between them out.
import type { ModelInstance } from '../../crds/model-instance.ts';
import type { ModelVersion } from '../../crds/model-version.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { contentHash } from '../content-hash.ts';
import { compareSides } from './compare-sides.ts';
import { decideSide } from './decide-side.ts';
import type { ExaminedModels } from './examined-models.ts';
import type { FleetPlan } from './fleet-plan.ts';
import { type FleetObjects, plannedWorld } from './planned-world.ts';

/** The second fleet begins with what the first one serves: what may stay stays. */
export async function planFleet(
  models: ExaminedModels,
  fleets: { before: FleetObjects; after: FleetObjects },
  nowMilliseconds: number,
  signal: AbortSignal,
): Promise<FleetPlan> {
  const warnings = new Set<string>();
  const examined = new Map<string, Promise<Stored<ModelVersion>>>();
  const examine = (version: Stored<ModelVersion>) => {
    const key = contentHash([version.metadata, version.spec], 32);
    const known = examined.get(key);
    if (known) return known;
    const made = models.examine(version, signal).then(({ version: found, warning }) => {
      if (warning !== undefined) warnings.add(warning);
      return found;
    });
    examined.set(key, made);
    return made;
  };
  const settle = async (objects: FleetObjects): Promise<FleetObjects> => {
    const versions: Stored<ModelVersion>[] = [];
    // One after the other: each reads its graph in a child process with the memory that it may need.
    for (const version of objects.versions) versions.push(await examine(version));
    return { ...objects, versions };
  };
  const before = await world(models, await settle(fleets.before), nowMilliseconds, { warnings, signal });
  const wanted = new Set(fleets.after.deployments.map(({ metadata }) => metadata.uid));
  const instances: Stored<ModelInstance>[] = before.side.instances.filter(({ spec }) => wanted.has(spec.deploymentUid));
  const after = await world(models, await settle({ ...fleets.after, instances }), nowMilliseconds, { warnings, signal });
  return compareSides(before, after, [...warnings]);
}

async function world(
  models: ExaminedModels,
  objects: FleetObjects,
  nowMilliseconds: number,
  { warnings, signal }: { warnings: Set<string>; signal: AbortSignal },
) {
  for (const failure of await models.load(objects.classes, signal)) warnings.add(failure);
  const sources = plannedWorld(objects, models.estimator(objects.classes), nowMilliseconds);
  return { sources, side: decideSide(sources, nowMilliseconds) };
}
