// When each deployment became Ready, as somebody who watches the API sees it.
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import { modelDeployments } from '../../../crds/resources.ts';
import type { Stored } from '../../../kube/api/objects.ts';
import { Reflector, type ReflectorDeps } from '../../../kube/cache/reflector.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { namespace } from './objects.ts';

/** Its latest generation is rolled out and serves. */
export function isConverged({ metadata, status }: Stored<ModelDeployment>): boolean {
  return (
    status?.observedGeneration === metadata.generation &&
    findCondition(status?.conditions, 'Ready')?.status === 'True' &&
    findCondition(status?.conditions, 'RolledOut')?.status === 'True' &&
    findCondition(status?.conditions, 'Reconciling')?.status !== 'True'
  );
}

export class DeploymentWatch {
  readonly synced: Promise<void>;
  /** `name@generation` → when it was first seen converged, performance.now(). */
  readonly #convergedAt = new Map<string, number>();
  readonly #reflector: Reflector<ModelDeployment>;

  constructor(deps: ReflectorDeps, signal: AbortSignal) {
    this.#reflector = new Reflector(deps, modelDeployments, { namespace });
    this.#reflector.onChange(({ object }) => {
      if (!isConverged(object)) return;
      const key = `${object.metadata.name}@${object.metadata.generation}`;
      if (!this.#convergedAt.has(key)) this.#convergedAt.set(key, performance.now());
    });
    this.synced = this.#reflector.synced;
    void this.#reflector.run(signal);
  }

  convergedAt(name: string, generation: number): number | undefined {
    return this.#convergedAt.get(`${name}@${generation}`);
  }

  get converged(): number {
    return this.#reflector.store.list().filter(isConverged).length;
  }

  /** The conditions of the first that is not there yet. */
  describeLaggard(): string {
    const late = this.#reflector.store.list().find((deployment) => !isConverged(deployment));
    if (!late) return 'none is late';
    const conditions = (late.status?.conditions ?? []).map(
      ({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`,
    );
    return `${late.metadata.name}@${late.metadata.generation}, observed ${late.status?.observedGeneration}, is not Ready: ${conditions.join('; ') || 'no status yet'}`;
  }
}
