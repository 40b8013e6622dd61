import type { InstancePhase, RevisionStatus, Slot } from '../../crds/model-instance.ts';
import { toError } from '../../kube/api/api-error.ts';
import { parseQuantity } from '../../kube/meta/quantity.ts';
import type { Artifacts, FetchState } from '../artifacts/artifacts.ts';
import { digestsOf } from '../assignment/desired-state.ts';
import { ModelLoadError } from '../inference/errors.ts';
import type { RevisionRecord } from '../record/learned-record.ts';
import type { GoldenSample } from './golden-set.ts';
import { GoldenSetFailure, type Loaded, type ModelLoader } from './model-loader.ts';
import type { ModelAddress, ServedModel } from './served-model.ts';

interface Deps {
  artifacts: Artifacts;
  loader: ModelLoader;
}

/** One revision on this device, from its bytes to its process. */
export class RevisionRun {
  slot: Slot;
  loadFailures = 0;
  readonly #instanceUid: string;
  readonly #address: ModelAddress;
  readonly #deps: Deps;
  readonly #cancelled = new AbortController();
  #fetch: 'no' | 'running' | 'done' = 'no';
  #load: 'no' | 'running' | 'waiting' | 'done' | 'unloading' = 'no';
  #unloading: Promise<void> = Promise.resolve();
  #freshlyVerified = false;
  #loaded: Loaded | undefined;
  #failure: { reason: string; message: string } | undefined;
  #failedGolden: RevisionStatus['golden'];
  #record: RevisionRecord | undefined;

  /** @param before what an earlier load of this revision left, on this device. */
  constructor(address: ModelAddress & { instanceUid: string }, slot: Slot, before: RevisionRecord | undefined, deps: Deps) {
    this.#instanceUid = address.instanceUid;
    this.#address = { namespace: address.namespace, deployment: address.deployment };
    this.#record = before?.digest === slot.digest ? before : undefined;
    this.slot = slot;
    this.#deps = deps;
  }

  get fetched(): boolean {
    return this.#fetch === 'done';
  }

  /** In memory and good, and not on its way out. */
  get loaded(): boolean {
    return this.#load === 'done';
  }

  get busy(): boolean {
    return this.#load === 'running' || this.#load === 'unloading';
  }

  get served(): ServedModel | undefined {
    return this.#load === 'done' ? this.#loaded?.served : undefined;
  }

  get samples(): readonly GoldenSample[] {
    return this.#loaded?.samples ?? [];
  }

  get result(): Loaded | undefined {
    return this.#loaded;
  }

  get failure(): { reason: string; message: string } | undefined {
    return this.#failure ?? this.#fetchFailure();
  }

  get message(): string | undefined {
    return this.failure?.message;
  }

  get downloadedBytes(): number | undefined {
    const state = this.#deps.artifacts.state(this.slot.digest);
    if (state) return state.bytes;
    return this.fetched ? parseQuantity(this.slot.size) : undefined;
  }

  get phase(): InstancePhase {
    if (this.#load === 'done') return this.served?.model.ready === false ? 'Loading' : 'Serving';
    if (this.failure) return 'Failed';
    if (this.#load === 'running') return 'Loading';
    if (this.#fetch === 'running') return 'Downloading';
    return this.#fetch === 'done' && this.#load === 'unloading' ? 'Stopped' : 'Pending';
  }

  /** Nothing more comes of it for now without a change from outside: it failed, or its bytes are being downloaded. */
  get stuck(): boolean {
    return this.failure !== undefined || (!this.fetched && this.#fetchStates().length > 0);
  }

  /** What outlives this load. Undefined before the first. */
  get record(): RevisionRecord | undefined {
    const loaded = this.#loaded;
    if (!loaded) return this.#record;
    const { golden, goldenRuntime: runtime } = loaded;
    const digest = this.slot.goldenSet?.digest;
    return {
      instanceUid: this.#instanceUid,
      revision: this.slot.revision,
      digest: this.slot.digest,
      loadMilliseconds: this.#record?.loadMilliseconds ?? loaded.loadMilliseconds,
      statistics: loaded.served.statistics.toRecord(),
      ...(golden === undefined || digest === undefined || runtime === undefined
        ? {}
        : { golden: { result: golden, digest, runtime } }),
    };
  }

  beginFetch(): boolean {
    if (this.#fetch !== 'no') return false;
    this.#fetch = 'running';
    return true;
  }

  async fetch(signal: AbortSignal, onChange: () => void): Promise<void> {
    const both = AbortSignal.any([signal, this.#cancelled.signal]);
    const { slot } = this;
    const what = `${slot.modelVersionName} (${slot.variant})`;
    const wanted = [
      { digest: slot.digest, declaredBytes: parseQuantity(slot.size), what },
      ...(slot.externalData ?? []).map((file) => ({
        digest: file.digest,
        declaredBytes: file.size === undefined ? Number.POSITIVE_INFINITY : parseQuantity(file.size),
        what: `${what}, file ${file.path}`,
      })),
      ...(slot.goldenSet === undefined
        ? []
        : [
            {
              digest: slot.goldenSet.digest,
              declaredBytes: slot.goldenSet.size === undefined ? Number.POSITIVE_INFINITY : parseQuantity(slot.goldenSet.size),
              what: `${what}, golden set`,
            },
          ]),
    ];
    for (const artifact of wanted) await this.#deps.artifacts.ensure(artifact, onChange, both);
    this.#fetch = 'done';
    this.#freshlyVerified = true;
  }

  beginLoad(): boolean {
    if (this.#load !== 'no') return false;
    this.#load = 'running';
    return true;
  }

  allowLoad(): void {
    if (this.#load === 'waiting') this.#load = 'no';
  }

  async load(signal: AbortSignal): Promise<void> {
    try {
      await this.#verify(signal);
      this.#loaded = await this.#deps.loader.load(this.#address, this.slot, this.#record, signal);
      this.#load = 'done';
      this.#failure = undefined;
      this.loadFailures = 0;
    } catch (error) {
      this.#load = 'waiting';
      this.loadFailures++;
      this.#failure = failureOf(error);
      this.#failedGolden = error instanceof GoldenSetFailure ? { ...error.result, time: error.time } : undefined;
      throw error;
    }
  }

  /** Resolves when it is out of memory, also for who asks while it is on its way out. */
  unload(drainSeconds: number): Promise<void> {
    if (this.#load === 'done' && this.#loaded) this.#unloading = this.#unload(this.#loaded.served, drainSeconds);
    return this.#unloading;
  }

  async #unload(served: ServedModel, drainSeconds: number): Promise<void> {
    this.#load = 'unloading';
    try {
      await this.#deps.loader.unload(served, drainSeconds);
    } finally {
      this.#record = this.record;
      this.#loaded = undefined;
      this.#load = 'no';
    }
  }

  cancel(): void {
    this.#cancelled.abort();
  }

  statusOf(slot: RevisionStatus['slot']): RevisionStatus {
    const { failure, downloadedBytes } = this;
    const loaded = this.#loaded;
    const served = this.served;
    const latency = served?.statistics.percentiles();
    const golden = loaded ? loaded.golden : this.#failedGolden;
    return {
      revision: this.slot.revision,
      slot,
      phase: this.phase,
      ...(failure === undefined ? {} : { reason: failure.reason, message: failure.message.slice(0, 1024) }),
      ...(downloadedBytes === undefined ? {} : { bytesDownloaded: downloadedBytes }),
      ...(loaded === undefined ? {} : { loadMilliseconds: this.#record?.loadMilliseconds ?? loaded.loadMilliseconds }),
      ...(loaded?.residentBytes === undefined ? {} : { residentMemory: loaded.residentBytes }),
      ...(served === undefined ? {} : served.statistics.totals()),
      ...(served === undefined ? {} : { executionProviders: [...served.model.executionProviders] }),
      ...(latency === undefined ? {} : { latencyMicroseconds: latency }),
      ...(golden === undefined ? {} : { golden }),
    };
  }

  #fetchFailure(): { reason: string; message: string } | undefined {
    const failure = this.#fetchStates().find((state) => state.failure)?.failure;
    return failure && { reason: failure.reason, message: failure.message };
  }

  /** Of each file that is on its way: the graph, the weights beside it, the golden set. */
  #fetchStates(): FetchState[] {
    return digestsOf(this.slot).flatMap((digest) => this.#deps.artifacts.state(digest) ?? []);
  }

  /** Files that lay on the disk since an earlier start are read again before they are used. */
  async #verify(signal: AbortSignal): Promise<void> {
    if (this.#freshlyVerified) {
      this.#freshlyVerified = false;
      return;
    }
    const { store } = this.#deps.artifacts;
    const damaged: string[] = [];
    for (const digest of digestsOf(this.slot)) if (!(await store.verify(digest, signal))) damaged.push(digest);
    if (damaged.length === 0) return;
    this.#fetch = 'no';
    throw new ModelLoadError('LoadFailed', `the file of ${damaged.join(', ')} was damaged on disk; it is fetched again`);
  }
}

function failureOf(error: unknown): { reason: string; message: string } {
  const message = toError(error).message;
  if (error instanceof ModelLoadError || error instanceof GoldenSetFailure) return { reason: error.reason, message };
  return { reason: 'LoadFailed', message };
}
