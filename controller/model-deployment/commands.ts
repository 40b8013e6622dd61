// Annotations that people set to move a rollout: retry, abort, promote. A value is carried out once. Pure.
import { annotations } from '../../crds/names.ts';
import { isTestOf } from './canary/orders.ts';
import { type ClassRollout, type RolloutState, readRolloutState, startRollout } from './revision-memory.ts';
import { membersOf, reject, type Scope, timeOf } from './scope.ts';

const names = ['retry', 'abort', 'promote'] as const;
type CommandName = (typeof names)[number];

function commandOf(scope: Scope, name: CommandName): string | undefined {
  return scope.world.deployment.metadata.annotations?.[annotations[name]];
}

function stateOf(scope: Scope, target: string): RolloutState {
  const memory = scope.memory.get(target) ?? { rejections: [] };
  const state = memory.state ?? startRollout(timeOf(scope));
  memory.state = state;
  scope.memory.set(target, memory);
  return state;
}

/** Carries out retry and abort, and forgets commands whose annotation is gone, so that the same value may come again. */
export function runCommands(scope: Scope): void {
  const target = scope.target?.name;
  if (target === undefined) return;
  const present = new Set(names.map((name) => `${name}=${commandOf(scope, name)}`));
  const state = stateOf(scope, target);
  if (state.handled.some((command) => !present.has(command)))
    state.handled = state.handled.filter((command) => present.has(command));
  const retry = commandOf(scope, 'retry');
  // What names another revision waits until that one is asked for: each remembers what was carried out for it.
  if (retry === target && consume(scope, target, 'retry', retry)) forgive(scope, retry);
  const abort = commandOf(scope, 'abort');
  if (abort === target && consume(scope, target, 'abort', abort))
    for (const { className } of scope.groups)
      reject(scope, target, className, { reason: 'RevisionRejected', message: 'aborted by the annotation jouleops.dev/abort' });
}

/** What a class asks for a promotion: it waits for a person, or it is still being tested. */
export type PromotionAsker = 'waiting' | 'testing';

/**
 * Whether a person lets the target past a step: `<revision>/<step>`. Asking carries it out, for all classes that wait there now.
 * What is still being tested passes without a verdict only when no class waits there: else it is those that are meant.
 */
export function promoted(scope: Scope, target: string, step: number, asker: PromotionAsker): boolean {
  const value = commandOf(scope, 'promote');
  if (value !== `${target}/${step}`) return false;
  if (asker === 'testing' && waitsAt(scope, target, step)) return false;
  if (scope.promotions.has(value)) return true;
  if (!consume(scope, target, 'promote', value)) return false;
  scope.promotions.add(value);
  return true;
}

/** Whether some class waits for a person there, as the pass before left it: this one may have let it pass just now. */
function waitsAt(scope: Scope, target: string, step: number): boolean {
  const { deployment, revisions } = scope.world;
  const steps = deployment.spec.rollout?.steps ?? [];
  const before = readRolloutState(revisions.find(({ metadata }) => metadata.name === target));
  return scope.groups.some(({ className, members }) => {
    const rollout = before?.classes[className];
    if (members.length === 0 || rollout?.criteriaHash !== scope.criteriaHash || rollout.step !== step) return false;
    const gate = rollout.stepDoneTime !== undefined && steps[step]?.gate === 'Manual';
    return gate || rollout.verdict === 'Inconclusive' || rollout.verdict === 'Failed';
  });
}

/** @returns false when it was carried out before. */
function consume(scope: Scope, target: string, name: CommandName, value: string): boolean {
  const state = stateOf(scope, target);
  const command = `${name}=${value}`;
  if (state.handled.includes(command)) return false;
  state.handled = [...state.handled, command];
  scope.events.push({ type: 'Normal', reason: 'CommandHandled', action: 'Command', note: command });
  return true;
}

function forgive(scope: Scope, revision: string): void {
  const memory = scope.memory.get(revision);
  if (!memory) return;
  memory.rejections = memory.rejections.filter((entry) => entry.criteriaHash !== scope.criteriaHash);
  const now = timeOf(scope);
  const { endTime: _, message: __, ...state } = memory.state ?? startRollout(now);
  // Devices keep what they found out, and do not run a test again that they have run: only one of another name is a new one.
  const classes = Object.entries(state.classes).map(([className, { criteriaHash, attempt = 0 }]): [string, ClassRollout] => [
    className,
    { criteriaHash, look: 1, step: 0, stepTime: now, attempt: attempt + 1, attemptTime: now },
  ]);
  memory.state = { ...state, startTime: now, outcome: 'Progressing', classes: Object.fromEntries(classes) };
  for (const member of membersOf(scope)) {
    const { trafficTest, ...rest } = member.slots;
    if (trafficTest && isTestOf(trafficTest, revision)) member.slots = rest;
  }
}
