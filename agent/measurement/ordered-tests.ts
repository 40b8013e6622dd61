// The tests that are ordered of one instance: begun once their models are loaded, ended when their order is gone, kept on disk.
import type { Logger } from 'pino';
import type { Budget } from '../../crds/model-deployment.ts';
import type { EnergyTestStatus } from '../../crds/model-instance.ts';
import { looks } from '../../energy/measurement/sequential-test.ts';
import { parseEnergy } from '../../energy/units.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { DesiredInstance, DesiredState } from '../assignment/desired-state.ts';
import type { InstanceRunner } from '../serving/instance-runner.ts';
import type { RevisionRun } from '../serving/revision-run.ts';
import type { ServedModel } from '../serving/served-model.ts';
import type { EnergyBook } from './energy-book.ts';
import { runEnergyTest } from './energy-test.ts';
import { loadSubject } from './load-subject.ts';
import { beginProgress, type TestProgress } from './test-progress.ts';
import { runTrafficTest } from './traffic-test.ts';

export interface OrderedTestsDeps {
  clock: Clock;
  logger: Logger;
  desired: DesiredState;
  book: EnergyBook;
  test: Parameters<typeof runEnergyTest>[3];
  /** A status has something new to say. */
  onChange: () => void;
}

/** Until a result that the disk refused is written again. */
const retryMilliseconds = 10_000;

export class OrderedTests {
  readonly #runner: InstanceRunner;
  readonly #deps: OrderedTestsDeps;
  readonly #signal: AbortSignal;
  /** The newest word of each test. */
  readonly #newest = new Map<string, EnergyTestStatus>();
  #energy: { id: string; windows: number; progress: TestProgress; stop: AbortController } | undefined;
  #traffic: { id: string; active: ServedModel; candidate: ServedModel; stop: AbortController } | undefined;

  constructor(runner: InstanceRunner, deps: OrderedTestsDeps, signal: AbortSignal) {
    this.#runner = runner;
    this.#deps = deps;
    this.#signal = signal;
  }

  /** Looks at what is ordered and what is loaded. A test that was done is not done again. */
  follow(): void {
    this.#followTraffic();
    this.#followEnergy();
  }

  stop(): void {
    this.#energy?.stop.abort();
    this.#traffic?.stop.abort();
  }

  #followEnergy(): void {
    const runner = this.#runner;
    const order = runner.instance.spec.energyTest;
    // More windows of the same test go on from those that it has.
    const earlier = this.#energy?.id === order?.id ? this.#energy?.progress : undefined;
    if (this.#energy && (this.#energy.id !== order?.id || this.#energy.windows !== order.windows)) {
      this.#energy.stop.abort();
      this.#energy = undefined;
    }
    if (!order || this.#energy) return;
    const done = this.#kept()?.tests?.find((test) => test.id === order.id);
    if (done?.windows === order.windows && (done.state === 'Completed' || done.state === 'Aborted')) return;
    const subjects = this.#subjects();
    if (!subjects) return;
    const stop = new AbortController();
    const progress = earlier ?? this.#progressAfter(done);
    this.#energy = { id: order.id, windows: order.windows, progress, stop };
    const signal = AbortSignal.any([this.#signal, stop.signal]);
    const { revision } = subjects.subject.model.slot;
    runEnergyTest(
      order,
      subjects,
      atLook(runner.revision(revision)?.slot.budget),
      this.#deps.test,
      (status) => this.#keep(revision, status),
      signal,
      progress,
    ).catch((error: unknown) => {
      if (signal.aborted) return;
      this.#deps.logger.error({ err: error, test: order.id }, 'a test failed');
      const { message } = error as Error;
      this.#keep(revision, { ...order, windowsDone: 0, state: 'Aborted', reason: 'Failed', message });
    });
  }

  /** Of a test that began before a restart only the count of its windows and what they cost is known. */
  #progressAfter(before: EnergyTestStatus | undefined): TestProgress {
    const startTime = before?.startTime ?? new Date(this.#deps.clock.now()).toISOString();
    const spentJoules = before?.energySpent === undefined ? 0 : parseEnergy(before.energySpent);
    return beginProgress(startTime, { tried: before?.windowsTried ?? 0, spentJoules });
  }

  #subjects() {
    const { spec } = this.#runner.instance;
    const subjectOf = (revision: RevisionRun | undefined) =>
      revision?.served ? loadSubject(revision.served, revision.samples) : undefined;
    const slot = spec.candidate ?? spec.active;
    const subject = slot ? subjectOf(this.#runner.revision(slot.revision)) : undefined;
    if (!subject) return undefined;
    if (spec.energyTest?.kind !== 'Paired') return { subject };
    const active = spec.active ? subjectOf(this.#runner.revision(spec.active.revision)) : undefined;
    return active ? { subject, active } : undefined;
  }

  /** A comparison of live requests. It ends with its order, and with either of the two models. */
  #followTraffic(): void {
    const runner = this.#runner;
    const { trafficTest: order, active, candidate } = runner.instance.spec;
    const serving = active && runner.revision(active.revision)?.served;
    const tested = candidate && runner.revision(candidate.revision)?.served;
    const running = this.#traffic;
    if (running && (running.id !== order?.id || running.active !== serving || running.candidate !== tested)) {
      running.stop.abort();
      this.#traffic = undefined;
      this.#dropUnfinished(running.id);
    }
    if (!order || this.#traffic || !candidate || !serving || !tested) return;
    const known = this.#kept()?.tests?.find((test) => test.id === order.id);
    if (known?.state === 'Completed') return;
    const stop = new AbortController();
    this.#traffic = { id: order.id, active: serving, candidate: tested, stop };
    const signal = AbortSignal.any([this.#signal, stop.signal]);
    const keep = (status: EnergyTestStatus) => this.#keep(candidate.revision, status);
    runTrafficTest(order, { active: serving, candidate: tested }, this.#deps.clock, keep, signal).catch((error: unknown) => {
      if (!signal.aborted) this.#deps.logger.error({ err: error, test: order.id }, 'a traffic test failed');
    });
  }

  /** A comparison that was ended must not look as if it ran. */
  #dropUnfinished(id: string): void {
    const current = this.#kept();
    const tests = current?.tests?.filter((test) => test.id !== id || test.state === 'Completed');
    if (!current || !tests || tests.length === current.tests?.length) return;
    const { desired, logger, onChange } = this.#deps;
    this.#newest.delete(id);
    desired
      .put({ ...current, tests })
      .then(onChange, (error: unknown) => logger.error({ err: error }, 'the end of a test could not be kept on disk'));
  }

  /** The two newest tests, what is ordered last; and what was measured of three revisions. */
  #keep(revision: string, status: EnergyTestStatus): void {
    const current = this.#kept();
    if (!current) return;
    if (status.energy) this.#deps.book.recordControlled(revision, status.energy);
    const { energyTest, trafficTest } = this.#runner.instance.spec;
    const ordered = new Set([energyTest?.id, trafficTest?.id]);
    const others = (current.tests ?? [])
      .filter((test) => test.id !== status.id)
      .sort((a, b) => Number(ordered.has(a.id)) - Number(ordered.has(b.id)));
    const measured = (current.measured ?? []).filter((entry) => entry.revision !== revision);
    if (status.energy) measured.push({ revision, energy: status.energy });
    const next = { ...current, tests: [...others, status].slice(-2), measured: measured.slice(-3) };
    this.#newest.set(status.id, status);
    for (const id of this.#newest.keys()) if (id !== status.id && !ordered.has(id)) this.#newest.delete(id);
    this.#deps.desired.put(next).then(this.#deps.onChange, (error: unknown) => this.#keepLater(revision, status, error));
  }

  /** What is said of a test has to be on disk before: on a full one it waits for room. */
  #keepLater(revision: string, status: EnergyTestStatus, error: unknown): void {
    const { clock, logger } = this.#deps;
    logger.error({ err: error, test: status.id }, 'a test result could not be kept on disk; it is tried again');
    clock.sleep(retryMilliseconds, this.#signal).then(
      () => {
        if (this.#newest.get(status.id) === status) this.#keep(revision, status);
      },
      () => {}, // the agent ends
    );
  }

  #kept(): DesiredInstance | undefined {
    const { namespace, name } = this.#runner.instance;
    return this.#deps.desired.get(namespace, name);
  }
}

/** A test is looked at up to four times: each look has a quarter of the error that the budget's confidence leaves. */
function atLook(budget: Budget | undefined): Budget | undefined {
  return budget && { ...budget, confidencePercent: 100 - (100 - (budget.confidencePercent ?? 90)) / looks.length };
}
