// All instances of this device: one runner each, the tests that are ordered, and what status says of them.
import type { Logger } from 'pino';
import type { Budget } from '../crds/model-deployment.ts';
import type { EnergyTestStatus, ModelInstanceStatus, RevisionStatus } from '../crds/model-instance.ts';
import { looks } from '../energy/measurement/sequential-test.ts';
import { parseEnergy } from '../energy/units.ts';
import type { Condition } from '../kube/api/objects.ts';
import type { Clock } from '../kube/runtime/clock.ts';
import type { DesiredInstance, DesiredState } from './assignment/desired-state.ts';
import type { BudgetJudge } from './enforcement/budget-judge.ts';
import type { Pace } from './enforcement/pace.ts';
import type { EnergyBook } from './measurement/energy-book.ts';
import { runEnergyTest } from './measurement/energy-test.ts';
import { loadSubject } from './measurement/load-subject.ts';
import { beginProgress, type TestProgress } from './measurement/test-progress.ts';
import { runTrafficTest } from './measurement/traffic-test.ts';
import type { RevisionRecord } from './record/learned-record.ts';
import { InstanceRunner, type RunnerDeps, slotName } from './serving/instance-runner.ts';
import type { RevisionRun } from './serving/revision-run.ts';
import type { ServedModel } from './serving/served-model.ts';
import { describeInstance, goalOf, type RevisionView } from './status/describe-instance.ts';

interface Deps {
  clock: Clock;
  logger: Logger;
  desired: DesiredState;
  book: EnergyBook;
  judge: BudgetJudge;
  pace: Pace;
  runner: Omit<RunnerDeps, 'onServing' | 'onChange' | 'hold'>;
  test: Parameters<typeof runEnergyTest>[3];
  hold: () => boolean;
  /** A status has something new to say. */
  onChange: () => void;
}

interface Entry {
  runner: InstanceRunner;
  test?: { id: string; windows: number; progress: TestProgress; stop: AbortController };
  traffic?: { id: string; active: ServedModel; candidate: ServedModel; stop: AbortController };
}

const suspended = {
  reason: 'Suspended',
  message: 'its test waits: the device is on hold or outside its maintenance windows',
};

export class Instances {
  readonly #deps: Deps;
  readonly #signal: AbortSignal;
  readonly #entries = new Map<string, Entry>();
  readonly #stopping = new Set<Promise<void>>();

  constructor(deps: Deps, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
  }

  /** Starts what the disk remembers: before any server is reached. */
  resume(): void {
    for (const instance of this.#deps.desired.instances) this.put(instance);
  }

  put(instance: DesiredInstance): void {
    const key = `${instance.namespace}/${instance.name}`;
    const entry = this.#entries.get(key);
    for (const { revision, energy } of instance.measured ?? []) this.#deps.book.recordControlled(revision, energy);
    if (entry) entry.runner.update(instance);
    else this.#entries.set(key, { runner: this.#start(instance) });
    this.#orderTest(key);
  }

  remove(instance: DesiredInstance): void {
    const key = `${instance.namespace}/${instance.name}`;
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    entry.test?.stop.abort();
    entry.traffic?.stop.abort();
    const stopping = entry.runner.stop().finally(() => this.#stopping.delete(stopping));
    this.#stopping.add(stopping);
  }

  /** Hold or a window has changed. */
  wakeAll(): void {
    for (const { runner } of this.#entries.values()) runner.wake();
  }

  /** Whether something of what the disk remembers is still on its way into memory. */
  get resuming(): boolean {
    return this.runners().some((runner) => !runner.settled);
  }

  /** What is to be kept on disk of every revision that a slot names. */
  records(): RevisionRecord[] {
    return this.runners().flatMap((runner) => runner.records());
  }

  runners(): InstanceRunner[] {
    return [...this.#entries.values()].map((entry) => entry.runner);
  }

  async stopAll(): Promise<void> {
    for (const { runner, test, traffic } of this.#entries.values()) {
      test?.stop.abort();
      traffic?.stop.abort();
      this.#stopping.add(runner.stop());
    }
    await Promise.all(this.#stopping);
  }

  describe(runner: InstanceRunner, before: readonly Condition[]): ModelInstanceStatus {
    const instance = this.#deps.desired.get(runner.instance.namespace, runner.instance.name) ?? runner.instance;
    const { spec } = instance;
    const slots = [spec.active, spec.candidate, spec.previous].filter((slot) => slot !== undefined);
    const names = [...new Set(slots.map((slot) => slot.revision))];
    const revisions = names.flatMap((name) => this.#viewOf(runner, instance, name));
    const goal = goalOf(instance);
    const { judgement } = goal
      ? this.#deps.judge(goal)
      : { judgement: { verdict: 'Unknown', reason: 'NotReached', message: 'nothing serves' } };
    const status = judgement.verdict === 'ExceedsBudget' ? 'False' : judgement.verdict === 'WithinBudget' ? 'True' : 'Unknown';
    const { routed, recreateGapMilliseconds } = runner;
    const now = new Date(this.#deps.clock.now()).toISOString();
    return describeInstance(
      {
        instance,
        revisions,
        hold: this.#deps.hold(),
        budget: {
          status,
          reason: judgement.reason,
          message: `${judgement.message}${throttleNote(this.#deps.pace, goal?.revision)}`,
        },
        tests: instance.tests ?? [],
        ...(routed === undefined ? {} : { routed }),
        ...(recreateGapMilliseconds === undefined ? {} : { recreateGapMilliseconds }),
      },
      before,
      now,
    );
  }

  #viewOf(runner: InstanceRunner, instance: DesiredInstance, name: string): RevisionView[] {
    const revision = runner.revision(name);
    const slot = slotName(instance, name);
    if (!revision || !slot) return [];
    const { energy, energyAbsent, windowEnergy } = this.#deps.book.view(revision.slot);
    const { powerReadings } = this.#deps.judge(revision.slot);
    const duty = this.#deps.pace.dutyOf(name);
    const waits =
      slot === 'Candidate' && this.#deps.hold() && runner.routed !== undefined && revision.fetched && !revision.loaded;
    const status: RevisionStatus = {
      ...revision.statusOf(slot),
      ...(waits ? suspended : {}),
      ...(energy === undefined ? {} : { energy }),
      ...(energyAbsent === undefined || !revision.loaded ? {} : { energyAbsent }),
      ...(windowEnergy === undefined ? {} : { windowEnergy }),
      ...(powerReadings.length === 0 ? {} : { powerReadings }),
      ...(duty === undefined ? {} : { dutyPermille: Math.max(1, Math.round(duty * 1000)) }),
    };
    return [{ slot, status, fetched: revision.fetched, loaded: revision.loaded }];
  }

  #start(instance: DesiredInstance): InstanceRunner {
    const { runner, desired, hold, onChange } = this.#deps;
    const key = `${instance.namespace}/${instance.name}`;
    return new InstanceRunner(
      instance,
      {
        ...runner,
        hold,
        onServing: async (served, slot) => {
          const current = desired.get(served.namespace, served.name);
          if (current && current.lastServed?.revision !== slot.revision) await this.#remember({ ...current, lastServed: slot });
        },
        onChange: () => {
          this.#orderTest(key);
          onChange();
        },
      },
      this.#signal,
    );
  }

  async #remember(instance: DesiredInstance): Promise<void> {
    await this.#deps.desired.put(instance);
    this.#entries.get(`${instance.namespace}/${instance.name}`)?.runner.update(instance);
  }

  /** Begins an ordered test once its models are loaded; ends one whose order is gone. A test that was done is not done again. */
  #orderTest(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    const { runner } = entry;
    const order = runner.instance.spec.energyTest;
    this.#orderTraffic(entry);
    // More windows of the same test go on from those that it has.
    const earlier = entry.test?.id === order?.id ? entry.test?.progress : undefined;
    if (entry.test && (entry.test.id !== order?.id || entry.test.windows !== order.windows)) {
      entry.test.stop.abort();
      delete entry.test;
    }
    if (!order || entry.test) return;
    const done = this.#deps.desired
      .get(runner.instance.namespace, runner.instance.name)
      ?.tests?.find((test) => test.id === order.id);
    if (done?.windows === order.windows && (done.state === 'Completed' || done.state === 'Aborted')) return;
    const subjects = this.#subjects(runner);
    if (!subjects) return;
    const stop = new AbortController();
    const progress = earlier ?? this.#progressAfter(done);
    entry.test = { id: order.id, windows: order.windows, progress, stop };
    const signal = AbortSignal.any([this.#signal, stop.signal]);
    const { revision } = subjects.subject.model.slot;
    runEnergyTest(
      order,
      subjects,
      atLook(runner.revision(revision)?.slot.budget),
      this.#deps.test,
      (status) => this.#tell(runner, revision, status),
      signal,
      progress,
    ).catch((error: unknown) => {
      if (signal.aborted) return;
      this.#deps.logger.error({ err: error, test: order.id }, 'a test failed');
      this.#tell(runner, revision, {
        ...order,
        windowsDone: 0,
        state: 'Aborted',
        reason: 'Failed',
        message: (error as Error).message,
      });
    });
  }

  /** Of a test that began before a restart only the count of its windows and what they cost is known. */
  #progressAfter(before: EnergyTestStatus | undefined): TestProgress {
    const startTime = before?.startTime ?? new Date(this.#deps.clock.now()).toISOString();
    const spentJoules = before?.energySpent === undefined ? 0 : parseEnergy(before.energySpent);
    return beginProgress(startTime, { tried: before?.windowsTried ?? 0, spentJoules });
  }

  /** Begins an ordered comparison of live requests once both models are loaded; ends one whose order or model is gone. */
  #orderTraffic(entry: Entry): void {
    const { runner } = entry;
    const { trafficTest: order, active, candidate } = runner.instance.spec;
    const serving = active && runner.revision(active.revision)?.served;
    const tested = candidate && runner.revision(candidate.revision)?.served;
    const { traffic } = entry;
    if (traffic && (traffic.id !== order?.id || traffic.active !== serving || traffic.candidate !== tested)) {
      traffic.stop.abort();
      delete entry.traffic;
      this.#dropUnfinished(runner, traffic.id);
    }
    if (!order || entry.traffic || !candidate || !serving || !tested) return;
    const { namespace, name } = runner.instance;
    const known = this.#deps.desired.get(namespace, name)?.tests?.find((test) => test.id === order.id);
    if (known?.state === 'Completed') return;
    const stop = new AbortController();
    entry.traffic = { id: order.id, active: serving, candidate: tested, stop };
    const signal = AbortSignal.any([this.#signal, stop.signal]);
    const tell = (status: EnergyTestStatus) => this.#tell(runner, candidate.revision, status);
    runTrafficTest(order, { active: serving, candidate: tested }, this.#deps.clock, tell, signal).catch((error: unknown) => {
      if (!signal.aborted) this.#deps.logger.error({ err: error, test: order.id }, 'a traffic test failed');
    });
  }

  /** A comparison that was ended must not look as if it ran. */
  #dropUnfinished(runner: InstanceRunner, id: string): void {
    const { desired, logger, onChange } = this.#deps;
    const current = desired.get(runner.instance.namespace, runner.instance.name);
    const kept = current?.tests?.filter((test) => test.id !== id || test.state === 'Completed');
    if (!current || !kept || kept.length === current.tests?.length) return;
    desired
      .put({ ...current, tests: kept })
      .then(onChange, (error: unknown) => logger.error({ err: error }, 'the end of a test could not be kept on disk'));
  }

  #subjects(runner: InstanceRunner) {
    const { spec } = runner.instance;
    const subjectOf = (revision: RevisionRun | undefined) =>
      revision?.served ? loadSubject(revision.served, revision.samples) : undefined;
    const slot = spec.candidate ?? spec.active;
    const subject = slot ? subjectOf(runner.revision(slot.revision)) : undefined;
    if (!subject) return undefined;
    if (spec.energyTest?.kind !== 'Paired') return { subject };
    const active = spec.active ? subjectOf(runner.revision(spec.active.revision)) : undefined;
    return active ? { subject, active } : undefined;
  }

  #tell(runner: InstanceRunner, revision: string, status: EnergyTestStatus): void {
    const { desired, book, logger, onChange } = this.#deps;
    const current = desired.get(runner.instance.namespace, runner.instance.name);
    if (!current) return;
    if (status.energy) book.recordControlled(revision, status.energy);
    const { energyTest, trafficTest } = runner.instance.spec;
    const ordered = new Set([energyTest?.id, trafficTest?.id]);
    const others = (current.tests ?? [])
      .filter((test) => test.id !== status.id)
      .sort((a, b) => Number(ordered.has(a.id)) - Number(ordered.has(b.id)));
    const measured = (current.measured ?? []).filter((entry) => entry.revision !== revision);
    if (status.energy) measured.push({ revision, energy: status.energy });
    const next = { ...current, tests: [...others, status].slice(-2), measured: measured.slice(-3) };
    desired.put(next).then(onChange, (error: unknown) => logger.error({ err: error }, 'a test result could not be kept on disk'));
  }
}

function throttleNote(pace: Pace, revision: string | undefined): string {
  const note = revision === undefined ? undefined : pace.noteOf(revision);
  return note === undefined ? '' : `; ${note}`;
}

/** A test is looked at up to four times: each look has a quarter of the error that the budget's confidence leaves. */
function atLook(budget: Budget | undefined): Budget | undefined {
  return budget && { ...budget, confidencePercent: 100 - (100 - (budget.confidencePercent ?? 90)) / looks.length };
}
