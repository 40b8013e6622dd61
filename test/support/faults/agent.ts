// An agent among the clients that suffer the faults: a real one with a real model behind the same proxy. While it is asked for
// inferences all the time, what it should serve changes once in every fault.
import { setTimeout as delay } from 'node:timers/promises';
import { readClientAuthority } from '../../../controller/device-port/client-authority.ts';
import { devicesNamespace, systemNamespace } from '../../../crds/names.ts';
import { modelInstances } from '../../../crds/resources.ts';
import { isAlreadyExists, isNotFound } from '../../../kube/api/api-error.ts';
import { leases, namespaces } from '../../../kube/api/builtins.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import type { Clock } from '../../../kube/runtime/clock.ts';
import { classify, createWorld, namespace, type RunningAgent, type World } from '../../integration/agent/world.ts';
import { eventually } from '../eventually.ts';
import type { FaultTarget } from './target.ts';

const deviceName = 'board-under-faults';
const modelName = 'states';
const files = ['classifier.onnx', 'classifier-2.onnx'] as const;
const patienceSeconds = 30;
/** Calls of an agent that can be under way together: its watch, a heartbeat, a status, a read. */
export const mostAgentCalls = 4;

export interface AgentDeps {
  target: FaultTarget;
  clock: Clock;
  /** Where the agent is told that the API server is. */
  url: string;
  /** As a device that joins or renews at this moment is told. */
  certificateAuthority: () => string;
}

export class AgentUnderFaults implements AsyncDisposable {
  answered = 0;
  /** Inferences that failed, and answers by a version that was not to be served at that time. */
  readonly unanswered: string[] = [];
  readonly wrong: string[] = [];
  readonly #world: World;
  readonly #agent: RunningAgent;
  readonly #stopping = new AbortController();
  #asking: Promise<void> = Promise.resolve();
  #declared = 0;
  /** The newest version that has answered. */
  #seen = 0;

  private constructor(world: World, agent: RunningAgent) {
    this.#world = world;
    this.#agent = agent;
  }

  /** Joined, and serving the first version. */
  static async start({ target, clock, url, certificateAuthority }: AgentDeps): Promise<AgentUnderFaults> {
    const { admin } = target;
    const signal = AbortSignal.timeout(60_000);
    const client = createClient(admin);
    for (const name of [systemNamespace, devicesNamespace]) {
      const needed = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } as const;
      await client.create(namespaces, needed, { signal }).catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error;
      });
    }
    const clientCertificateAuthority = await eventually(() => readClientAuthority(client, signal), patienceSeconds);
    await client.close();
    const server = {
      url: admin.server,
      admin,
      certificateAuthority: admin.certificateAuthority ?? '',
      clientCertificateAuthority,
      close: async () => undefined, // whoever started it stops it
    };
    const told = {
      url,
      get certificateAuthority() {
        return certificateAuthority();
      },
    };
    const world = await createWorld(
      async () => told,
      async () => server,
    );
    try {
      const agent = await world.startAgent({ name: deviceName, heartbeatSeconds: 0.3 }, clock);
      const under = new AgentUnderFaults(world, agent);
      await under.declareNext();
      await eventually(() => under.mustHaveConverged(), patienceSeconds);
      under.#asking = under.#ask();
      return under;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Another version of the model, declared beside the faults; `anew`: by an object that takes the place of the one before. */
  async declareNext({ anew = false } = {}): Promise<void> {
    const version = this.#declared + 1;
    const active = await this.#world.slot(files[version % files.length] ?? files[0], String(version));
    this.#declared = version;
    if (anew) await eventually(() => this.#removeInstance(), patienceSeconds);
    await eventually(() => this.#world.assign(deviceName, modelName, { active }), patienceSeconds);
  }

  /** Throws what is still behind: what it serves, what it says of that, whether its heart beats. */
  async mustHaveConverged(beatsAfter = 0): Promise<void> {
    const behind: string[] = [];
    const { body } = await classify(this.#agent.url, modelName);
    const wanted = versionOf(this.#declared);
    if (body['model_version'] !== wanted) behind.push(`the agent serves ${String(body['model_version'])} instead of ${wanted}`);
    const { metadata, status } = await this.#world.instance(modelName);
    const serving = findCondition(status?.conditions, 'Serving');
    if (serving?.status !== 'True' || status?.observedGeneration !== metadata.generation)
      behind.push(
        `the agent says Serving ${serving?.status}, generation ${status?.observedGeneration} of ${metadata.generation}`,
      );
    if ((await this.beats()) <= beatsAfter) behind.push('the agent has not renewed its Lease');
    if (behind.length > 0) throw new Error(`not converged: ${behind.join(', ')}`);
  }

  /** Grows with every renewal of its Lease: wall clocks jump here. */
  async beats(): Promise<number> {
    const signal = AbortSignal.timeout(5_000);
    const { metadata } = await this.#world.client.get(leases, { namespace: devicesNamespace, name: deviceName }, { signal });
    return Number(metadata.resourceVersion);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#asking;
    await this.#world[Symbol.asyncDispose]();
  }

  async #removeInstance(): Promise<void> {
    await this.#world.client
      .delete(modelInstances, { namespace, name: modelName }, { signal: AbortSignal.timeout(5_000) })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error; // the attempt before was done and not heard of
      });
  }

  async #ask(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const before = this.#declared;
      try {
        const { status, body } = await classify(this.#agent.url, modelName);
        if (status === 200) this.#note(String(body['model_version']), before);
        else this.unanswered.push(`${status}: ${JSON.stringify(body)}`);
      } catch (error) {
        this.unanswered.push(String(error));
      }
      await delay(40, undefined, { signal }).catch(() => undefined);
    }
  }

  #note(version: string, declaredBefore: number): void {
    this.answered += 1;
    const number = Number.parseInt(version, 10);
    const possible = number >= this.#seen && number >= declaredBefore - 1 && number <= this.#declared;
    if (!possible) this.wrong.push(`${version} answered while ${declaredBefore} was declared and ${this.#seen} had answered`);
    this.#seen = Math.max(this.#seen, number);
  }
}

/** As World.slot names it. */
function versionOf(revision: number): string {
  return `${revision}.0.0`;
}
