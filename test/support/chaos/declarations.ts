// What users declare while processes die: a seeded sequence of changes, each repeated until the server has acknowledged it.
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import { modelDeployments } from '../../../crds/resources.ts';
import { isAlreadyExists, isNotFound } from '../../../kube/api/api-error.ts';
import type { Client } from '../../../kube/api/client.ts';
import type { Stored } from '../../../kube/api/objects.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import { chaosNamespace } from './world.ts';

/** Never changed after its first declaration: it must serve through everything. */
export const steadyName = 'steady';
const changingNames = ['changing-0', 'changing-1', 'changing-2'] as const;

interface Declared {
  modelVersionName: string;
  replicas: number;
  budgetMillijoules: number;
}

export class Declarations {
  /** The last acknowledged declaration of each; undefined = deleted. */
  readonly #acknowledged = new Map<string, Declared | undefined>();
  readonly #client: Client;
  readonly #random: () => number;
  acknowledged = 0;
  repeated = 0;

  constructor(client: Client, random: () => number) {
    this.#client = client;
    this.#random = random;
  }

  async declareAll(signal: AbortSignal): Promise<void> {
    const object = deploymentOf(steadyName, { modelVersionName: 'first', replicas: 1, budgetMillijoules: 12 });
    object.spec.placement = { ...object.spec.placement, mode: 'EveryDevice' };
    delete object.spec.placement.replicas;
    await this.#client.create(modelDeployments, object, { signal });
    for (const name of changingNames) await this.#declare(name, this.#draw(), signal);
  }

  /** One change of one deployment: its declaration, or its deletion and a new one under the same name. */
  async change(signal: AbortSignal): Promise<void> {
    const name = changingNames[Math.floor(this.#random() * changingNames.length)] ?? changingNames[0];
    const remove = this.#random() < 0.15;
    const next = this.#draw();
    if (remove) await this.#remove(name, signal);
    await this.#declare(name, next, signal);
  }

  /** What differs from the last acknowledged declarations. */
  async differences(signal: AbortSignal): Promise<string[]> {
    const { items } = await this.#client.list(modelDeployments, { namespace: chaosNamespace, signal });
    const stored = new Map(items.map((item) => [item.metadata.name, item]));
    return [...this.#acknowledged].flatMap(([name, declared]) => {
      const found = describe(stored.get(name));
      const wanted = JSON.stringify(declared);
      return found === wanted ? [] : [`${name} is ${found}, acknowledged was ${wanted}`];
    });
  }

  #draw(): Declared {
    return {
      modelVersionName: this.#random() < 0.5 ? 'first' : 'second',
      replicas: this.#random() < 0.5 ? 1 : 2,
      budgetMillijoules: 10 + Math.floor(this.#random() * 10),
    };
  }

  async #declare(name: string, declared: Declared, signal: AbortSignal): Promise<void> {
    const object = deploymentOf(name, declared);
    await this.#untilAcknowledged(signal, () =>
      this.#client.apply(modelDeployments, object, { fieldManager: 'chaos', signal: withDeadline(signal) }),
    );
    this.#acknowledged.set(name, declared);
  }

  async #remove(name: string, signal: AbortSignal): Promise<void> {
    await this.#untilAcknowledged(signal, () =>
      this.#client
        .delete(modelDeployments, { namespace: chaosNamespace, name }, { signal: withDeadline(signal) })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error; // the attempt before was done and not heard of
        }),
    );
    this.#acknowledged.set(name, undefined);
  }

  async #untilAcknowledged(signal: AbortSignal, call: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await call();
        this.acknowledged += 1;
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (isAlreadyExists(error)) throw error;
        this.repeated += 1;
        await systemClock.sleep(100, signal);
      }
    }
  }
}

function deploymentOf(name: string, { modelVersionName, replicas, budgetMillijoules }: Declared): ModelDeployment {
  return {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name, namespace: chaosNamespace },
    spec: {
      modelVersionName,
      budget: { energyPerInference: `${budgetMillijoules}mJ`, boundary: 'CoreRail' },
      placement: { mode: 'Replicas', replicas, deviceClassNames: ['raspberry-pi-5-simulated'] },
      runtime: { threads: 1 },
    },
  };
}

function describe(deployment: Stored<ModelDeployment> | undefined): string | undefined {
  if (!deployment) return undefined;
  const { modelVersionName, placement, budget } = deployment.spec;
  const declared: Declared = {
    modelVersionName,
    replicas: placement.replicas ?? 0,
    budgetMillijoules: Number.parseInt(budget.energyPerInference ?? '', 10),
  };
  return JSON.stringify(declared);
}

function withDeadline(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(5_000)]);
}
