// An agent without models: the real one's downloads, store, loading and swaps, an engine that only reads the file, and a meter
// that says what it is told. Many of them fit into one process, and each can be killed, cut off and given a wrong clock.
import { readFile } from 'node:fs/promises';
import { Agent, type Dispatcher } from 'undici';
import { Artifacts } from '../../../agent/artifacts/artifacts.ts';
import { BlobStore } from '../../../agent/artifacts/blob-store.ts';
import type { DesiredInstance } from '../../../agent/assignment/desired-state.ts';
import { connectionOf, type DeviceIdentity } from '../../../agent/identity/device-identity.ts';
import type { Engine, EngineModel, ModelSource } from '../../../agent/inference/engine.ts';
import { ModelLoadError } from '../../../agent/inference/errors.ts';
import { InstanceRunner, slotName } from '../../../agent/serving/instance-runner.ts';
import { ModelLoader } from '../../../agent/serving/model-loader.ts';
import { type Route, Routes } from '../../../agent/serving/routes.ts';
import { digestOf } from '../../../crds/digest.ts';
import type { EdgeDevice } from '../../../crds/edge-device.ts';
import type { ModelInstance, ModelInstanceStatus, RevisionStatus, Slot } from '../../../crds/model-instance.ts';
import { devicesNamespace, fieldManagers } from '../../../crds/names.ts';
import { edgeDevices, modelInstances } from '../../../crds/resources.ts';
import { isNotFound } from '../../../kube/api/api-error.ts';
import { leases } from '../../../kube/api/builtins.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import type { Stored } from '../../../kube/api/objects.ts';
import { Reflector } from '../../../kube/cache/reflector.ts';
import { microTime } from '../../../kube/meta/micro-time.ts';
import { silentLogger } from '../silent-logger.ts';
import { describeInstance, type StubModel } from '../stub-agent.ts';
import type { DeviceClock } from './device-clock.ts';

export interface LightAgentOptions {
  identity: DeviceIdentity;
  /** Survives the agent, as a disk does: artifacts in `directory`, the rest in `desired`. */
  disk: { directory: string; desired: Map<string, DesiredInstance> };
  clock: DeviceClock;
  behave: (slot: Slot) => StubModel;
  /** Whether the next bytes that arrive are damaged. */
  corrupts: () => boolean;
  onVerifyFailure: () => void;
  /** What was read from the file of a model that now may take requests. */
  onRoute: (route: Route, bytesDigestOf: (slot: Slot) => string | undefined) => void;
}

const heartbeatMilliseconds = 300;
const againMilliseconds = 200;

export class LightAgent {
  readonly routes: Routes;
  readonly #options: LightAgentOptions;
  readonly #stopping = new AbortController();
  readonly #runners = new Map<string, InstanceRunner>();
  /** Digest of the bytes that each revision was loaded from. */
  readonly #loaded = new Map<string, string>();
  /** What was said last of each instance: nothing is said twice. */
  readonly #said = new Map<string, string>();
  /** By the device's own clock, right or wrong. */
  readonly #startTime: string;
  readonly #ended: Promise<unknown>;

  constructor(options: LightAgentOptions) {
    this.#options = options;
    const { onRoute } = options;
    this.#startTime = new Date(options.clock.now()).toISOString();
    const bytesDigestOf = (slot: Slot) => this.#loaded.get(slot.revision);
    this.routes = new (class extends Routes {
      override set(route: Route): void {
        super.set(route);
        onRoute(route, bytesDigestOf);
      }
    })();
    this.#ended = this.#run();
  }

  /** As a process that is killed: nothing is said to anybody. */
  async kill(): Promise<void> {
    this.#stopping.abort(new Error('killed'));
    await this.#ended.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { identity, disk, clock, corrupts, onVerifyFailure } = this.#options;
    const { signal } = this.#stopping;
    const client = createClient(connectionOf(identity), { userAgent: `light-agent/${identity.name}` });
    const { certificateAuthority: ca, url } = identity.artifacts;
    const connections = new Agent({ connect: { ca, cert: identity.certificate, key: identity.key } });
    const dispatcher = connections.compose(damaging(corrupts));
    try {
      const store = new BlobStore({ directory: disk.directory, quotaBytes: 1e9, reserveBytes: 0 });
      await store.open();
      const artifacts = new Artifacts({
        clock,
        logger: silentLogger,
        store,
        origin: () => ({ url, dispatcher }),
        onVerifyFailure,
      });
      const loader = new ModelLoader({
        clock,
        store,
        engines: [this.#engine()],
        observer: { onInference: () => undefined },
        memoryLimitBytes: 1e12,
        runtime: 'light',
      });
      const runnerDeps = { clock, logger: silentLogger, artifacts, loader, routes: this.routes, hold: () => false };
      const put = (instance: DesiredInstance) => {
        disk.desired.set(instance.name, instance);
        const known = this.#runners.get(instance.name);
        if (known) known.update(instance);
        else this.#runners.set(instance.name, this.#start(instance, runnerDeps));
      };
      for (const instance of disk.desired.values()) put(instance);
      const device = new Reflector<EdgeDevice>({ client, clock, logger: silentLogger }, edgeDevices, { name: identity.name });
      let latest: Stored<EdgeDevice> | undefined;
      device.onChange(({ object }) => {
        latest = object;
      });
      const beat = async () => {
        const body = { spec: { holderIdentity: identity.name, renewTime: microTime(clock.now()) } };
        await client.patch(leases, { namespace: devicesNamespace, name: identity.name }, { kind: 'merge', body }, { signal });
      };
      const follow = async () => {
        if (latest) await this.#follow(client, latest, put);
      };
      await Promise.all([
        device.run(signal),
        this.#repeat(beat, heartbeatMilliseconds),
        this.#repeat(follow, againMilliseconds),
        this.#repeat(() => this.#report(client), againMilliseconds),
      ]);
    } finally {
      await Promise.all([...this.#runners.values()].map((runner) => runner.stop()));
      await Promise.allSettled([client.close(), connections.destroy()]);
    }
  }

  /** Until it is killed; what fails, as over a cut line, is done again. */
  async #repeat(work: () => Promise<void>, milliseconds: number): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await work().catch(() => undefined);
      await this.#options.clock.wait(milliseconds, signal).catch(() => undefined);
    }
  }

  async #follow(client: Client, device: Stored<EdgeDevice>, put: (instance: DesiredInstance) => void): Promise<void> {
    const { desired } = this.#options.disk;
    const assigned = device.status?.assigned ?? [];
    for (const name of desired.keys())
      if (!assigned.some((entry) => entry.name === name)) {
        desired.delete(name);
        await this.#runners.get(name)?.stop();
        this.#runners.delete(name);
      }
    for (const { namespace, name, uid, generation } of assigned) {
      const known = desired.get(name);
      if (known?.uid === uid && known.generation === generation) continue;
      const instance = await client
        .get(modelInstances, { namespace, name }, { signal: this.#stopping.signal })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
          return undefined;
        });
      if (!instance) continue;
      put({
        namespace,
        name,
        uid,
        generation: instance.metadata.generation ?? 1,
        deviceUid: device.metadata.uid,
        spec: instance.spec,
        ...(known?.lastServed === undefined ? {} : { lastServed: known.lastServed }),
      });
    }
  }

  #start(
    instance: DesiredInstance,
    deps: Omit<ConstructorParameters<typeof InstanceRunner>[1], 'recall' | 'onServing' | 'onChange'>,
  ) {
    const { desired } = this.#options.disk;
    return new InstanceRunner(
      instance,
      {
        ...deps,
        recall: () => undefined,
        onServing: async (served, slot) => {
          const current = desired.get(served.name);
          if (!current || current.lastServed?.revision === slot.revision) return;
          const next = { ...current, lastServed: slot };
          desired.set(served.name, next);
          this.#runners.get(served.name)?.update(next);
        },
        onChange: () => undefined,
      },
      this.#stopping.signal,
    );
  }

  async #report(client: Client): Promise<void> {
    for (const [name, runner] of this.#runners) {
      const { namespace, uid } = runner.instance;
      const status = this.#describe(runner);
      const text = JSON.stringify(status);
      if (this.#said.get(name) === text) continue;
      await client
        .applyStatus(
          modelInstances,
          { metadata: { namespace, name, uid }, status },
          { signal: this.#stopping.signal, fieldManager: fieldManagers.agent },
        )
        .then(() => this.#said.set(name, text))
        .catch(() => undefined);
    }
  }

  /** Where each revision is comes from the runner; what tests found, of those that are loaded, from the behaviour. */
  #describe(runner: InstanceRunner): ModelInstanceStatus {
    const { instance } = runner;
    const { active, candidate, previous } = instance.spec;
    const tested = candidate ?? active;
    const ready = tested !== undefined && runner.revision(tested.revision)?.loaded === true;
    const { generation, spec } = instance;
    const metadata = { name: '', uid: '', resourceVersion: '', generation, creationTimestamp: this.#startTime };
    const told: Stored<ModelInstance> = { apiVersion: 'jouleops.dev/v1alpha1', kind: 'ModelInstance', metadata, spec };
    const said = describeInstance(told, this.#options.behave, this.#startTime);
    const seen = new Set<string>();
    const revisions = [active, candidate, previous].flatMap((slot): RevisionStatus[] => {
      const run = slot && runner.revision(slot.revision);
      const at = slot && slotName(instance, slot.revision);
      if (!slot || !run || !at || seen.has(slot.revision)) return [];
      seen.add(slot.revision);
      return [run.statusOf(at)];
    });
    return {
      observedGeneration: instance.generation,
      phase: runner.routed === undefined ? 'Pending' : 'Serving',
      revisions,
      ...(ready && said.tests !== undefined ? { tests: said.tests } : {}),
    };
  }

  #engine(): Engine {
    return {
      kind: 'OnnxRuntime',
      load: async (source: ModelSource): Promise<EngineModel> => {
        const digest = digestOf(await readFile(source.file));
        const revision = source.name.slice(source.name.lastIndexOf('@') + 1);
        const { failure } = this.#options.behave({ modelVersionName: source.modelName } as Slot);
        if (failure) throw new ModelLoadError('LoadFailed', failure.message);
        this.#loaded.set(revision, digest);
        return modelOfNothing;
      },
    };
  }
}

type Client = ReturnType<typeof createClient>;

const modelOfNothing: EngineModel = {
  inputs: [],
  outputs: [],
  platform: 'light',
  executionProviders: ['cpu'],
  runtimeVersion: '0',
  loadMilliseconds: 1,
  ready: true,
  queueLength: 0,
  restarts: { count: 0 },
  residentBytes: async () => 1,
  infer: async () => ({ outputs: [], queueMicroseconds: 0, transferMicroseconds: 0, modelMicroseconds: 1 }),
  close: async () => undefined,
};

/** Turns a bit of what arrives, now and then. */
function damaging(corrupts: () => boolean): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart: (controller, context) => handler.onRequestStart?.(controller, context),
      onResponseStart: (controller, status, headers, message) => handler.onResponseStart?.(controller, status, headers, message),
      onResponseData: (controller, chunk) => handler.onResponseData?.(controller, corrupts() ? damaged(chunk) : chunk),
      onResponseEnd: (controller, trailers) => handler.onResponseEnd?.(controller, trailers),
      onResponseError: (controller, error) => handler.onResponseError?.(controller, error),
    });
}

function damaged(chunk: Buffer): Buffer {
  const copy = Buffer.from(chunk);
  if (copy.length > 0) copy.writeUInt8(copy.readUInt8(0) ^ 1, 0);
  return copy;
}
