// Follows the fleet until every deployment has its answer: Ready, or refused with the number that decided.
import type { Logger } from 'pino';
import type { FleetRepository } from '../../crds/fleet-repository.ts';
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import type { ModelInstance } from '../../crds/model-instance.ts';
import { fleetRepositories, modelDeployments, modelInstances } from '../../crds/resources.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { formatKey } from '../../kube/api/resource.ts';
import { Reflector } from '../../kube/cache/reflector.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import { type DeploymentLine, describeDeployment } from '../output/deployment.ts';
import { fleetKey } from './fleet.ts';

export interface Convergence {
  deployments: Stored<ModelDeployment>[];
  instances: Stored<ModelInstance>[];
  lines: DeploymentLine[];
  fleet: Stored<FleetRepository> | undefined;
}

/**
 * Resolves when the fleet directory (if `expectFleet`) has been applied and every deployment is Ready or refused.
 * `onProgress` is called with the current lines whenever something changed.
 */
export async function followConvergence(
  deps: { client: Client; clock: Clock; logger: Logger },
  options: { expectFleet: boolean; onProgress: (lines: DeploymentLine[]) => void },
  signal: AbortSignal,
): Promise<Convergence> {
  const ended = new AbortController();
  const both = AbortSignal.any([signal, ended.signal]);
  const deployments = new Reflector(deps, modelDeployments);
  const instances = new Reflector(deps, modelInstances);
  const fleets = new Reflector(deps, fleetRepositories);
  const reflectors = [deployments, instances, fleets];
  const running = reflectors.map((reflector) => reflector.run(both));
  try {
    await Promise.race([Promise.all(reflectors.map((reflector) => reflector.synced)), aborted(both)]);
    for (;;) {
      const now = survey(deployments.store.list(), instances.store.list(), fleets.store.get(formatKey(fleetKey)));
      options.onProgress(now.lines);
      if (isSettled(now, options.expectFleet)) return now;
      await deps.clock.sleep(200, both);
    }
  } finally {
    ended.abort(new Error('convergence was reached'));
    await Promise.allSettled(running);
  }
}

function survey(
  deployments: Stored<ModelDeployment>[],
  instances: Stored<ModelInstance>[],
  fleet: Stored<FleetRepository> | undefined,
): Convergence {
  const sorted = deployments.toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name));
  const lines = sorted.map((deployment) =>
    describeDeployment(
      deployment,
      instances.filter((instance) => instance.spec.deploymentUid === deployment.metadata.uid),
    ),
  );
  return { deployments: sorted, instances, lines, fleet };
}

export function isSettled(state: Pick<Convergence, 'lines' | 'fleet'>, expectFleet: boolean): boolean {
  if (expectFleet && !hasAnswer(state.fleet)) return false;
  return state.lines.every((line) => line.standing !== 'working');
}

/** The repository's controller has looked at this generation and said Ready or not. */
function hasAnswer(fleet: FleetRepository | undefined): boolean {
  const ready = fleet?.status?.conditions?.find((condition) => condition.type === 'Ready');
  return ready !== undefined && ready.status !== 'Unknown' && fleet?.status?.observedGeneration === fleet?.metadata.generation;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
