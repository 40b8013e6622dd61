import type { FleetRepository } from '../../crds/fleet-repository.ts';
import type { Stored } from '../../kube/api/objects.ts';

/** Who reads the Secrets of a fleet and applies it; the embedded control plane has no service accounts: the controller itself. */
export function identityFor(
  { spec, metadata }: Stored<FleetRepository>,
  { allowPaths }: { allowPaths: boolean },
): string | undefined {
  if (spec.serviceAccountName === undefined || allowPaths) return undefined;
  return `system:serviceaccount:${metadata.namespace ?? 'default'}:${spec.serviceAccountName}`;
}
