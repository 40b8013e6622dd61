// /deploy, /start and /stop without a control plane: the device fills its slots itself.
import type { Slot } from '../../crds/model-instance.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { BlobStore } from '../artifacts/blob-store.ts';
import { shortDigest } from '../artifacts/local-model.ts';
import type { DesiredInstance, DesiredState } from '../assignment/desired-state.ts';
import type { Routes } from '../serving/routes.ts';
import { budgetOf } from './old-budget.ts';
import { fetchModel, modelUrlOf } from './old-model-url.ts';
import { OldRequestError } from './old-request-error.ts';

export interface LocalSlotsDeps {
  clock: Clock;
  device: string;
  desired: DesiredState;
  store: BlobStore;
  routes: Routes;
  /** Hosts, with their port where it is not the usual one, that model_url may name. */
  allowedHosts: readonly string[];
  onChange: (instance: DesiredInstance) => void;
  onRemove: (instance: DesiredInstance) => void;
}

/** No control plane has this uid, so none takes the instance away. */
const localUid = 'local';
const namespace = 'local';
const pollMilliseconds = 250;
/** Models that were stopped for another and can be started again without a network. */
const keptStopped = 1;
const namePattern = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,60}[A-Za-z0-9])?$/;

/**
 * One model serves at a time, as the replaced agent had it. Each has an instance of its own, so that the one that serves goes on, under its
 * name, until the next one does.
 */
export class LocalSlots {
  readonly #deps: LocalSlotsDeps;
  readonly #signal: AbortSignal;
  #following = false;

  constructor(deps: LocalSlotsDeps, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
    this.#follow(); // a switch that a restart interrupted
  }

  /** @throws OldRequestError */
  async deploy(fields: Record<string, unknown>, signal: AbortSignal): Promise<Slot> {
    const name = fields['model_name'];
    if (typeof name !== 'string' || !namePattern.test(name))
      throw new OldRequestError(400, 'model_name is missing, or no short name of letters, digits, dots and hyphens');
    const budget = budgetOf(fields);
    const { allowedHosts, store } = this.#deps;
    const { digest, bytes } = await fetchModel(modelUrlOf(fields['model_url'], allowedHosts), store, signal);
    const version = shortDigest(digest);
    const revision = `${name}-${version}`;
    const slot: Slot = {
      revision,
      modelVersionName: name,
      modelVersion: version,
      variant: 'onnx',
      digest,
      size: bytes,
      ...(budget === undefined ? {} : { budget }),
    };
    const known = this.#locals().find(({ spec }) => spec.deploymentName === name);
    const previous = known?.spec.active?.revision === revision ? known.spec.previous : known?.spec.active;
    await this.#put({ active: slot, ...(previous === undefined ? {} : { previous }) }, known, name);
    this.#follow();
    return slot;
  }

  /** Serves what was stopped last. @throws OldRequestError */
  async start(): Promise<Slot> {
    const known = this.#newest();
    const slot = known.spec.active ?? known.spec.previous;
    if (!slot) throw new OldRequestError(409, 'no model was deployed here: POST /deploy first');
    const { previous: _, ...spec } = known.spec;
    if (!known.spec.active) await this.#put({ ...spec, active: slot }, known, spec.deploymentName);
    return slot;
  }

  /** The bytes stay, so that /start needs no network. @throws OldRequestError */
  async stop(): Promise<void> {
    const newest = this.#newest();
    for (const known of this.#locals()) if (known !== newest) await this.#stop(known);
    await this.#stop(newest); // last, so that it stays the newest
  }

  async #stop(known: DesiredInstance): Promise<void> {
    const { active, ...spec } = known.spec;
    if (active) await this.#put({ ...spec, previous: active }, known, spec.deploymentName);
  }

  /** Oldest order first. */
  #locals(): DesiredInstance[] {
    return this.#deps.desired.instances.filter(({ uid }) => uid === localUid).sort((a, b) => a.generation - b.generation);
  }

  #newest(): DesiredInstance {
    const newest = this.#locals().at(-1);
    if (!newest) throw new OldRequestError(409, 'no model was deployed here: POST /deploy first');
    return newest;
  }

  /** Once the newest model serves, the others end. One that never loads leaves the one before it serving. */
  #follow(): void {
    if (this.#following) return;
    this.#following = true;
    this.#switch()
      .catch(() => {}) // ends with the agent; what was not switched is after its next start
      .finally(() => {
        this.#following = false;
      });
  }

  async #switch(): Promise<void> {
    const { clock, routes, desired, onRemove } = this.#deps;
    for (;;) {
      const others = this.#locals().slice(0, -1);
      if (!others.some(({ spec }) => spec.active)) return;
      const { spec } = this.#newest();
      const route = routes.list().find((one) => one.namespace === namespace && one.deployment === spec.deploymentName);
      if (!spec.active || route?.active?.slot.revision !== spec.active.revision || !route.active.model.ready) {
        await clock.sleep(pollMilliseconds, this.#signal);
        continue;
      }
      for (const other of others.slice(-keptStopped)) await this.#stopInPlace(other);
      for (const other of others.slice(0, -keptStopped)) {
        await desired.remove(other);
        onRemove(other);
      }
    }
  }

  /** Its place in the order stays: it was superseded, not ordered anew. */
  async #stopInPlace(known: DesiredInstance): Promise<void> {
    const { active, ...spec } = known.spec;
    if (!active) return;
    const stopped = { ...known, spec: { ...spec, previous: active } };
    await this.#deps.desired.put(stopped);
    this.#deps.onChange(stopped);
  }

  async #put(
    slots: Pick<DesiredInstance['spec'], 'active' | 'previous'>,
    known: DesiredInstance | undefined,
    deploymentName: string,
  ): Promise<void> {
    const { device, desired, onChange } = this.#deps;
    const instance: DesiredInstance = {
      namespace,
      name: known?.name ?? deploymentName,
      uid: localUid,
      generation: (this.#locals().at(-1)?.generation ?? 0) + 1,
      deviceUid: localUid,
      spec: { deviceName: device, deploymentName, deploymentUid: localUid, ...slots },
      ...(known?.lastServed === undefined || slots.active === undefined ? {} : { lastServed: known.lastServed }),
    };
    await desired.put(instance);
    onChange(instance);
  }
}
