// /deploy, /start and /stop without a control plane: the device fills its slots itself.
import { createHash } from 'node:crypto';
import { request } from 'undici';
import type { Budget } from '../../crds/model-deployment.ts';
import type { Slot } from '../../crds/model-instance.ts';
import { energyPattern } from '../../energy/units.ts';
import type { BlobStore } from '../artifacts/blob-store.ts';
import type { DesiredInstance, DesiredState } from '../assignment/desired-state.ts';

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
  device: string;
  desired: DesiredState;
  store: BlobStore;
  /** Hosts, with their port where it is not the usual one, that model_url may name. */
  allowedHosts: readonly string[];
  onChange: (instance: DesiredInstance) => void;
}

/** No control plane has this uid, so none takes the instance away. */
const localUid = 'local';
const namespace = 'local';
const maximumModelBytes = 512 * 1024 * 1024;
const fetchTimeoutMilliseconds = 120_000;
const namePattern = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,60}[A-Za-z0-9])?$/;

export class LocalSlots {
  readonly #deps: LocalSlotsDeps;

  constructor(deps: LocalSlotsDeps) {
    this.#deps = deps;
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
    const known = this.#deps.desired.get(namespace, this.#deps.device);
    const previous = known?.spec.active?.revision === revision ? known.spec.previous : known?.spec.active;
    await this.#put({ active: slot, ...(previous === undefined ? {} : { previous }) }, known, name);
    return slot;
  }

  /** Serves what was stopped. @throws OldRequestError */
  async start(): Promise<Slot> {
    const known = this.#known();
    const slot = known.spec.active ?? known.spec.previous;
    if (!slot) throw new OldRequestError(409, 'no model was deployed here: POST /deploy first');
    const { previous: _, ...spec } = known.spec;
    if (!known.spec.active) await this.#put({ ...spec, active: slot }, known, spec.deploymentName);
    return slot;
  }

  /** The bytes stay, so that /start needs no network. @throws OldRequestError */
  async stop(): Promise<void> {
    const known = this.#known();
    const { active, ...spec } = known.spec;
    if (active) await this.#put({ ...spec, previous: active }, known, spec.deploymentName);
  }

  #known(): DesiredInstance {
    const known = this.#deps.desired.get(namespace, this.#deps.device);
    if (!known) throw new OldRequestError(409, 'no model was deployed here: POST /deploy first');
    return known;
  }

  async #put(
    slots: Pick<DesiredInstance['spec'], 'active' | 'previous'>,
    known: DesiredInstance | undefined,
    deploymentName: string,
  ): Promise<void> {
    const { device, desired, onChange } = this.#deps;
    const instance: DesiredInstance = {
      namespace,
      name: device,
      uid: localUid,
      generation: (known?.generation ?? 0) + 1,
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
