// Drives one ModelInstance to its slots, step by step: fetch, load, warm, check, swap, drain. Nothing here depends on the network but the fetch.
import type { Logger } from 'pino';
import type { RevisionStatus, Slot } from '../../crds/model-instance.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { Artifacts } from '../artifacts/artifacts.ts';
import type { DesiredInstance } from '../assignment/desired-state.ts';
import { hasEnded } from '../has-ended.ts';
import type { RevisionRecord } from '../record/learned-record.ts';
import { retrySeconds } from '../retry-wait.ts';
import type { ModelLoader } from './model-loader.ts';
import { type InstancePlan, planInstance } from './plan-instance.ts';
import { RevisionRun } from './revision-run.ts';
import type { Route, Routes } from './routes.ts';

export interface RunnerDeps {
  clock: Clock;
  logger: Logger;
  artifacts: Artifacts;
  loader: ModelLoader;
  routes: Routes;
  hold: () => boolean;
  /** What is known of a revision from before the agent was started. */
  recall: (instanceUid: string, revision: string) => RevisionRecord | undefined;
  /** The slot that now serves, to be kept on disk. */
  onServing: (instance: DesiredInstance, slot: Slot) => Promise<void>;
  /** Something that status shows has changed. */
  onChange: () => void;
}

const drainSeconds = 30;
const firstLoadRetrySeconds = 10;
const maximumLoadRetrySeconds = 600;

export class InstanceRunner {
  readonly #deps: RunnerDeps;
  readonly #revisions = new Map<string, RevisionRun>();
  readonly #ended = new AbortController();
  readonly #work: Promise<void>;
  #instance: DesiredInstance;
  #routed: string | undefined;
  /** What it told the table of routes last. */
  #shown: Route | undefined;
  #recreateGapMilliseconds: number | undefined;
  #silentSince: number | undefined;
  /** Whether the disk has yet to hear what serves. */
  #unkept = false;
  #wake = Promise.withResolvers<void>();

  constructor(instance: DesiredInstance, deps: RunnerDeps, signal: AbortSignal) {
    this.#instance = instance;
    this.#deps = deps;
    this.#work = this.#run(AbortSignal.any([signal, this.#ended.signal]));
  }

  get instance(): DesiredInstance {
    return this.#instance;
  }

  /** The revision that answers requests, if one does. */
  get routed(): string | undefined {
    return this.#routed;
  }

  get recreateGapMilliseconds(): number | undefined {
    return this.#recreateGapMilliseconds;
  }

  /** All that can be done with what is on disk has been done, or has failed. */
  get settled(): boolean {
    const plan = this.#plan();
    const stuck = [...plan.fetch, ...plan.load].every((slot) => this.#revisions.get(slot.revision)?.stuck === true);
    return stuck && this.#routed === plan.routeActive;
  }

  /** Of each revision that a slot names, what is to be kept on disk. */
  records(): RevisionRecord[] {
    const { uid, spec, lastServed } = this.#instance;
    const slots = [spec.active, spec.candidate, spec.previous, lastServed];
    const names = new Set(slots.flatMap((slot) => slot?.revision ?? []));
    return [...names].flatMap((name) => this.#revisions.get(name)?.record ?? this.#deps.recall(uid, name) ?? []);
  }

  revision(name: string): RevisionRun | undefined {
    return this.#revisions.get(name);
  }

  update(instance: DesiredInstance): void {
    this.#instance = instance;
    this.wake();
  }

  wake(): void {
    this.#wake.resolve();
  }

  /** @param farewell why nothing serves from now on. Without it nobody asks here any more: the model is none of this device's. */
  async stop(farewell?: string): Promise<void> {
    this.#ended.abort();
    await this.#work;
    if (farewell !== undefined) this.#show({ candidateSharePercent: 0, reason: farewell });
    else if (this.#shown) this.#deps.routes.delete(this.#shown);
    await Promise.all([...this.#revisions.values()].map((revision) => this.#unload(revision)));
  }

  async #run(signal: AbortSignal): Promise<void> {
    // Once, and not a promise of its own: each race with one that lives as long as the agent would leave something behind.
    signal.addEventListener('abort', () => this.wake(), { once: true });
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      try {
        await this.#step(signal);
      } catch (error) {
        if (hasEnded(signal)) return;
        this.#deps.logger.error({ err: error, instance: this.#instance.name }, 'a step of this instance failed');
      }
      if (!hasEnded(signal)) await this.#wake.promise;
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    this.#refreshSlots();
    const plan = this.#plan();
    for (const slot of plan.fetch) this.#fetch(this.#revisionOf(slot), signal);
    for (const slot of plan.load) this.#load(this.#revisionOf(slot), signal);
    await this.#route(plan);
    const going = plan.unload.map((name) => this.#revisions.get(name)).filter((revision) => revision !== undefined);
    if (going.length > 0 && plan.routeActive === undefined && plan.goal) await this.#makeWay(going);
    else for (const revision of going) void this.#unload(revision).then(() => this.wake());
    this.#forget();
    this.#deps.onChange();
  }

  /** A slot's budget and serving may change while its revision, and so its bytes, stay. */
  #refreshSlots(): void {
    const { active, candidate, previous } = this.#instance.spec;
    for (const slot of [previous, candidate, active]) {
      const known = slot && this.#revisions.get(slot.revision);
      if (known) known.slot = slot;
    }
  }

  #plan(): InstancePlan {
    const { spec, lastServed, localRollback, localStop } = this.#instance;
    const named = (test: (revision: RevisionRun) => boolean) =>
      new Set([...this.#revisions.values()].filter(test).map((revision) => revision.slot.revision));
    return planInstance({
      ...(spec.active === undefined ? {} : { active: spec.active }),
      ...(spec.candidate === undefined ? {} : { candidate: spec.candidate }),
      ...(spec.previous === undefined ? {} : { previous: spec.previous }),
      ...(lastServed === undefined ? {} : { lastServed }),
      ...(localRollback === undefined ? {} : { rolledBackFrom: localRollback.revision, stopped: localStop ?? false }),
      strategy: spec.strategy ?? 'Parallel',
      hold: this.#deps.hold(),
      fetched: named((revision) => revision.fetched),
      loaded: named((revision) => revision.loaded),
      ...(this.#routed === undefined ? {} : { routed: this.#routed }),
    });
  }

  #revisionOf(slot: Slot): RevisionRun {
    const known = this.#revisions.get(slot.revision);
    if (known) {
      known.slot = slot;
      return known;
    }
    const { uid, namespace, spec } = this.#instance;
    const address = { instanceUid: uid, namespace, deployment: spec.deploymentName };
    const created = new RevisionRun(address, slot, this.#deps.recall(uid, slot.revision), this.#deps);
    this.#revisions.set(slot.revision, created);
    return created;
  }

  #fetch(revision: RevisionRun, signal: AbortSignal): void {
    if (!revision.beginFetch()) return;
    revision
      .fetch(signal, () => this.#deps.onChange())
      .then(
        () => this.wake(),
        () => {}, // ends only with the signal; failures are retried inside and shown by the revision
      );
  }

  #load(revision: RevisionRun, signal: AbortSignal): void {
    if (!revision.beginLoad()) return;
    revision.load(signal).then(
      () => this.wake(),
      (error: unknown) => {
        if (signal.aborted) return;
        const seconds = retrySeconds(revision.loadFailures, firstLoadRetrySeconds, maximumLoadRetrySeconds);
        this.#deps.logger.warn({ err: error, revision: revision.slot.revision, retrySeconds: seconds }, 'a model did not load');
        this.#deps.onChange();
        this.#deps.clock.sleep(seconds * 1000, signal).then(
          () => {
            revision.allowLoad();
            this.wake();
          },
          () => {},
        );
      },
    );
  }

  /** The swap: one assignment, so no request falls between two models. */
  async #route(plan: InstancePlan): Promise<void> {
    const active = plan.routeActive === undefined ? undefined : this.#revisions.get(plan.routeActive);
    const candidate = plan.routeCandidate === undefined ? undefined : this.#revisions.get(plan.routeCandidate);
    const asWanted = active?.served !== undefined && plan.routeActive === plan.goal?.revision;
    const reason = asWanted ? undefined : this.#reasonForSilence(plan);
    this.#show({
      candidateSharePercent: this.#instance.spec.candidateSharePercent ?? 0,
      ...(active?.served === undefined ? {} : { active: active.served }),
      ...(candidate?.served === undefined ? {} : { candidate: candidate.served }),
      ...(reason === undefined ? {} : { reason }),
    });
    const before = this.#routed;
    this.#routed = active?.served === undefined ? undefined : plan.routeActive;
    if (!active?.served || (before === this.#routed && !this.#unkept)) return;
    if (this.#silentSince !== undefined)
      this.#recreateGapMilliseconds = Math.round(this.#deps.clock.monotonic() - this.#silentSince);
    this.#silentSince = undefined;
    await this.#keepServing(active.slot);
  }

  #show(route: Omit<Route, 'namespace' | 'deployment'>): void {
    const { namespace, spec } = this.#instance;
    this.#shown = { namespace, deployment: spec.deploymentName, ...route };
    this.#deps.routes.set(this.#shown);
  }

  /** A full disk keeps nobody from being served, nor the model before from going. */
  async #keepServing(slot: Slot): Promise<void> {
    this.#unkept = true;
    try {
      await this.#deps.onServing(this.#instance, slot);
      this.#unkept = false;
    } catch (error) {
      this.#deps.logger.warn(
        { err: error, instance: this.#instance.name, revision: slot.revision },
        'what serves now could not be kept on disk; it is tried again',
      );
    }
  }

  #reasonForSilence(plan: InstancePlan): string | undefined {
    const { spec, localRollback } = this.#instance;
    if (plan.goal) return this.#revisions.get(plan.goal.revision)?.message ?? 'it is on its way';
    if (localRollback) return `it was stopped here: ${localRollback.message ?? localRollback.reason}`;
    return spec.candidate ? `revision ${spec.candidate.revision} is being tested and not promoted yet` : 'it is stopped';
  }

  /** Recreate: the old model goes before the new one loads. How long nothing answered is measured and shown. */
  async #makeWay(going: readonly RevisionRun[]): Promise<void> {
    this.#silentSince = this.#deps.clock.monotonic();
    await Promise.all(going.map((revision) => this.#unload(revision)));
    this.wake();
  }

  /** A server beside the agent, or its directory, may fail at it: that ends neither the agent nor the switch. */
  async #unload(revision: RevisionRun): Promise<void> {
    try {
      await revision.unload(drainSeconds);
    } catch (error) {
      this.#deps.logger.warn({ err: error, revision: revision.slot.revision }, 'a model was not unloaded as it should be');
    }
  }

  /** Drops what no slot names any more and is not loaded. */
  #forget(): void {
    const { spec, lastServed } = this.#instance;
    const named = new Set([spec.active, spec.candidate, spec.previous, lastServed].map((slot) => slot?.revision));
    for (const [name, revision] of this.#revisions) {
      if (named.has(name) || revision.loaded || revision.busy) continue;
      revision.cancel();
      this.#revisions.delete(name);
    }
  }
}

export function slotName(instance: DesiredInstance, revision: string): RevisionStatus['slot'] | undefined {
  const { active, candidate, previous } = instance.spec;
  if (active?.revision === revision) return 'Active';
  if (candidate?.revision === revision) return 'Candidate';
  return previous?.revision === revision ? 'Previous' : undefined;
}
