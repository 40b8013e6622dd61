// All instances of this device: a runner and its tests each, and what status says of them.
import type { ModelInstanceStatus, RevisionStatus } from '../crds/model-instance.ts';
import type { Condition } from '../kube/api/objects.ts';
import type { DesiredInstance } from './assignment/desired-state.ts';
import type { BudgetJudge } from './enforcement/budget-judge.ts';
import type { Pace } from './enforcement/pace.ts';
import type { ThrottleNote } from './enforcement/throttle-note.ts';
import { OrderedTests, type OrderedTestsDeps } from './measurement/ordered-tests.ts';
import type { RevisionRecord } from './record/learned-record.ts';
import { InstanceRunner, type RunnerDeps, slotName } from './serving/instance-runner.ts';
import { describeInstance, goalOf, type RevisionView } from './status/describe-instance.ts';

interface Deps extends OrderedTestsDeps {
  judge: BudgetJudge;
  pace: Pace;
  throttleNote: ThrottleNote;
  runner: Omit<RunnerDeps, 'onServing' | 'onChange' | 'hold'>;
  hold: () => boolean;
}

interface Entry {
  runner: InstanceRunner;
  tests: OrderedTests;
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
    for (const { revision, energy } of instance.measured ?? []) this.#deps.book.recordControlled(revision, energy);
    const known = this.#entries.get(key);
    known?.runner.update(instance);
    const entry = known ?? this.#start(instance);
    this.#entries.set(key, entry);
    entry.tests.follow();
  }

  remove(instance: DesiredInstance): void {
    const key = `${instance.namespace}/${instance.name}`;
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    entry.tests.stop();
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
    for (const { runner, tests } of this.#entries.values()) {
      tests.stop();
      this.#stopping.add(runner.stop('the agent is stopping'));
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
    const view = goal && this.#deps.judge(goal);
    const judgement = view?.judgement ?? { verdict: 'Unknown', reason: 'NotReached', message: 'nothing serves' };
    const note = view && this.#deps.throttleNote(goal, view);
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
          message: note === undefined ? judgement.message : `${judgement.message}; ${note}`,
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

  #start(instance: DesiredInstance): Entry {
    const { runner, desired, hold, onChange } = this.#deps;
    const key = `${instance.namespace}/${instance.name}`;
    const started = new InstanceRunner(
      instance,
      {
        ...runner,
        hold,
        onServing: async (served, slot) => {
          const current = desired.get(served.namespace, served.name);
          if (current && current.lastServed?.revision !== slot.revision) await this.#remember({ ...current, lastServed: slot });
        },
        onChange: () => {
          this.#entries.get(key)?.tests.follow();
          onChange();
        },
      },
      this.#signal,
    );
    return { runner: started, tests: new OrderedTests(started, this.#deps, this.#signal) };
  }

  async #remember(instance: DesiredInstance): Promise<void> {
    await this.#deps.desired.put(instance);
    this.#entries.get(`${instance.namespace}/${instance.name}`)?.runner.update(instance);
  }
}
