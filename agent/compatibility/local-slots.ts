// /deploy, /start and /stop without a control plane: the device fills its slots itself.
import { createHash } from 'node:crypto';
import { request } from 'undici';
import type { Budget } from '../../crds/model-deployment.ts';
import type { Slot } from '../../crds/model-instance.ts';
import { energyPattern } from '../../energy/units.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { BlobStore } from '../artifacts/blob-store.ts';
import type { DesiredInstance, DesiredState } from '../assignment/desired-state.ts';
import type { Routes } from '../serving/routes.ts';

/** Told to the caller with this status. */
export class OldRequestError extends Error {
  readonly status: number;

  constructor(status: number, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'OldRequestError';
    this.status = status;
  }
}

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
const maximumModelBytes = 512 * 1024 * 1024;
const fetchTimeoutMilliseconds = 120_000;
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
    const url = this.#urlOf(fields['model_url']);
    const { digest, bytes } = await this.#fetch(url, signal);
    const revision = `${name}-${digest.slice(7, 17)}`;
    const slot: Slot = {
      revision,
      modelVersionName: name,
      modelVersion: digest.slice(7, 17),
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

  #urlOf(text: unknown): URL {
    const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
    if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
      throw new OldRequestError(400, 'model_url is missing, or no http(s) URL');
    if (!this.#deps.allowedHosts.includes(url.host))
      throw new OldRequestError(
        403,
        `this device fetches nothing from ${url.host}: start the agent with --deploy-host ${url.host}`,
      );
    return url;
  }

  /** Redirects are not followed: the host was allowed, not where it points. */
  async #fetch(url: URL, signal: AbortSignal): Promise<{ digest: string; bytes: number }> {
    const { store } = this.#deps;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(fetchTimeoutMilliseconds)]);
    const { statusCode, headers, body } = await request(url, { signal: limit }).catch((error: unknown) => {
      throw new OldRequestError(502, `${url.host} cannot be reached: ${(error as Error).message}`, { cause: error });
    });
    if (statusCode !== 200) {
      await body.dump();
      throw new OldRequestError(502, `${url.href} answered ${statusCode}; a redirect is not followed`);
    }
    await store.makeRoom(Math.min(maximumModelBytes, Number(headers['content-length'] ?? 0)), url.href);
    const temporary = store.nextTemporary();
    const hash = createHash('sha256');
    let bytes = 0;
    const file = await store.disk.open(temporary, 'w');
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        const offset = bytes;
        bytes += chunk.length;
        if (bytes > maximumModelBytes) throw new OldRequestError(413, `the model is larger than ${maximumModelBytes} bytes`);
        if (bytes === chunk.length) refuseOtherFormats(chunk);
        hash.update(chunk);
        await file.write(chunk, offset);
      }
      await file.sync();
    } catch (error) {
      await store.disk.remove(temporary);
      throw error;
    } finally {
      await file.close();
    }
    const digest = `sha256:${hash.digest('hex')}`;
    await store.disk.rename(temporary, store.partialPath(digest));
    await store.commit(digest);
    return { digest, bytes };
  }
}

/** What the old agent took for a model: pages of an error, and formats that this runtime does not have. */
function refuseOtherFormats(start: Buffer): void {
  const text = start.subarray(0, 64).toString('latin1');
  if (/^\s*[<{]/.test(text)) throw new OldRequestError(400, 'model_url gives text or HTML, not an ONNX model');
  if (text.slice(4, 8) === 'TFL3')
    throw new OldRequestError(400, 'this is a TFLite model; the runtime here takes ONNX: export it again');
  if (start[0] !== 0x08) throw new OldRequestError(400, 'this is no ONNX model: such a file begins with its format version');
}

/** A budget in mWh says nothing without the number of inferences: that was the old agent's mistake, and it is not guessed here. */
function budgetOf(fields: Record<string, unknown>): Budget | undefined {
  const energy = fields['energy_per_inference'];
  if (energy !== undefined) {
    if (typeof energy !== 'string' || !new RegExp(energyPattern).test(energy))
      throw new OldRequestError(400, 'energy_per_inference is no energy with its unit, such as 80mJ');
    return { energyPerInference: energy };
  }
  const { energy_budget_mwh: milliwattHours, budget_inferences: inferences } = fields;
  if (milliwattHours === undefined || inferences === undefined) return undefined;
  const joules = (Number(milliwattHours) * 3.6) / Number(inferences);
  if (!(joules > 0) || !Number.isFinite(joules))
    throw new OldRequestError(400, 'energy_budget_mwh and budget_inferences are numbers above zero');
  return { energyPerInference: `${Number((joules * 1e6).toFixed(3))}uJ` };
}
