// What a fleet repository may contain, and in which order it is applied. Pure.
import {
  deviceClasses,
  edgeDevices,
  fleetRepositories,
  modelDeployments,
  modelVersions,
  trainingRuns,
} from '../../crds/resources.ts';
import { configMaps, namespaces, secrets } from '../../kube/api/builtins.ts';
import { apiVersionOf, type Resource } from '../../kube/api/resource.ts';

export interface FleetKind {
  resource: Resource;
  /** Lower comes first: what others live in or refer to. */
  order: number;
}

/** ModelInstances, Leases and revisions are the controller's own. */
const kinds: readonly (FleetKind & { byDefault: boolean })[] = [
  { resource: namespaces, order: 0, byDefault: true },
  { resource: secrets, order: 1, byDefault: false },
  { resource: configMaps, order: 1, byDefault: true },
  { resource: deviceClasses, order: 2, byDefault: true },
  { resource: edgeDevices, order: 3, byDefault: true },
  { resource: modelVersions, order: 4, byDefault: true },
  { resource: modelDeployments, order: 5, byDefault: true },
  { resource: trainingRuns, order: 5, byDefault: true },
  { resource: fleetRepositories, order: 6, byDefault: false },
];

export function findKind(
  apiVersion: string,
  kind: string,
  allowed: readonly string[] | undefined,
): { kind: 'found'; entry: FleetKind } | { kind: 'refused'; message: string } {
  const entry = kinds.find(({ resource }) => resource.kind === kind && apiVersionOf(resource) === apiVersion);
  if (!entry)
    return {
      kind: 'refused',
      message: `${kind} of ${apiVersion} cannot be applied from a fleet repository; known: ${kinds.map(({ resource }) => resource.kind).join(', ')}`,
    };
  const named = allowed?.some((name) => name === kind || name === `${kind}.${entry.resource.group}`);
  if (allowed === undefined ? entry.byDefault : named === true) return { kind: 'found', entry };
  return { kind: 'refused', message: `${kind} is not allowed here: add it to spec.kinds of the FleetRepository` };
}

/** The kind of an inventory entry. */
export function kindOfEntry(group: string, kind: string): FleetKind | undefined {
  return kinds.find(({ resource }) => resource.group === group && resource.kind === kind);
}
