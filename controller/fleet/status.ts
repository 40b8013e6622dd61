// The status of a FleetRepository, with the vocabulary that people know from Flux. Pure.
import { reasons } from '../../crds/conditions.ts';
import type { FleetRepository, FleetRepositoryStatus, InventoryEntry } from '../../crds/fleet-repository.ts';
import { annotations } from '../../crds/names.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { removeCondition, setCondition } from '../../kube/meta/conditions.ts';
import { counted } from '../../kube/meta/counted.ts';
import type { FileError } from './manifest.ts';

export type FleetOutcome =
  | {
      kind: 'applied';
      revision: string;
      inventory: InventoryEntry[];
      errors: FileError[];
      /** Why something that is no longer declared is there still. */
      unpruned?: string;
    }
  /** The source could not be had: what was applied stays. */
  | { kind: 'failed'; reason: string; message: string; revision?: string; errors?: FileError[] }
  /** Only a change of the spec helps. */
  | { kind: 'stalled'; reason: string; message: string }
  /** Nothing is looked at: what was true stays said, for this generation. */
  | { kind: 'suspended' };

/** What is not in the inventory is never pruned: more than fits there is not applied. */
export const maximumObjects = 5000;
const limits = { errors: 32, history: 5, file: 1024, message: 1024 } as const;

export function describeFleet(repository: Stored<FleetRepository>, outcome: FleetOutcome, now: string): FleetRepositoryStatus {
  const before = repository.status ?? {};
  const requested = repository.metadata.annotations?.[annotations.requestedAt];
  const handled = requested ?? before.lastHandledReconcileAt;
  return {
    observedGeneration: repository.metadata.generation ?? 1,
    conditions: conditionsOf(repository, outcome, now),
    ...revisionsOf(before, outcome),
    ...(handled === undefined ? {} : { lastHandledReconcileAt: handled }),
    ...inventoryOf(before, outcome),
    ...errorsOf(outcome),
    ...historyOf(before, outcome, now),
  };
}

function conditionsOf(repository: Stored<FleetRepository>, outcome: FleetOutcome, now: string) {
  const observedGeneration = repository.metadata.generation ?? 1;
  if (outcome.kind === 'suspended') return suspendedConditions(repository, observedGeneration, now);
  const ready = judgeReady(outcome);
  const types = [
    ['Ready', ready],
    ['Reconciling', isTriedAgain(outcome) ? { ...ready, status: 'True' as const } : undefined],
    ['Stalled', ready.status === 'False' && !isTriedAgain(outcome) ? { ...ready, status: 'True' as const } : undefined],
  ] as const;
  let conditions = removeCondition(repository.status?.conditions ?? [], 'Suspended');
  for (const [type, finding] of types)
    conditions = finding
      ? setCondition(conditions, { type, ...finding, observedGeneration }, now)
      : removeCondition(conditions, type);
  return conditions;
}

/** What may well be different the next time; a file that is wrong is wrong until somebody changes it. */
function isTriedAgain(outcome: FleetOutcome): boolean {
  return (
    outcome.kind === 'failed' || (outcome.kind === 'applied' && outcome.errors.length === 0 && outcome.unpruned !== undefined)
  );
}

/** Whether the cluster is as the revision says. */
export function isWhole(outcome: FleetOutcome): outcome is FleetOutcome & { kind: 'applied' } {
  return outcome.kind === 'applied' && outcome.errors.length === 0 && outcome.unpruned === undefined;
}

/** Ready keeps its status; nothing is under way, so neither Reconciling nor Stalled is said. */
function suspendedConditions(repository: Stored<FleetRepository>, observedGeneration: number, now: string) {
  const message = 'spec.suspend is set: nothing is fetched, applied or pruned';
  let conditions = repository.status?.conditions ?? [];
  const ready = conditions.find(({ type }) => type === 'Ready');
  const kept = ready ?? { status: 'Unknown' as const, reason: reasons.Suspended, message };
  conditions = setCondition(
    conditions,
    { type: 'Ready', status: kept.status, reason: kept.reason, message: kept.message, observedGeneration },
    now,
  );
  conditions = setCondition(
    conditions,
    { type: 'Suspended', status: 'True', reason: reasons.Suspended, message, observedGeneration },
    now,
  );
  for (const type of ['Reconciling', 'Stalled']) conditions = removeCondition(conditions, type);
  return conditions;
}

function judgeReady(outcome: Exclude<FleetOutcome, { kind: 'suspended' }>): {
  status: 'True' | 'False';
  reason: string;
  message: string;
} {
  if (outcome.kind !== 'applied') return { status: 'False', reason: outcome.reason, message: outcome.message };
  const [first] = outcome.errors;
  const revision = shorten(outcome.revision);
  if (!first && outcome.unpruned !== undefined) return { status: 'False', reason: 'PruneFailed', message: outcome.unpruned };
  if (!first)
    return {
      status: 'True',
      reason: 'ReconciliationSucceeded',
      message: `applied ${counted(outcome.inventory.length, 'object')} of ${revision}`,
    };
  const rest = outcome.errors.length > 1 ? ` (and ${outcome.errors.length - 1} more)` : '';
  return {
    status: 'False',
    reason: 'BuildFailed',
    message: `${formatError(first)}${rest}; the other files of ${revision} are applied`,
  };
}

function formatError({ file, line, column, message }: FileError): string {
  return `${file}${line === undefined ? '' : `:${line}:${column ?? 1}`}: ${message}`;
}

function shorten(revision: string): string {
  return revision.replace(/^(sha256:[0-9a-f]{12})[0-9a-f]+$/, '$1').replace(/([0-9a-f]{12})[0-9a-f]{28}$/, '$1');
}

function revisionsOf(
  before: FleetRepositoryStatus,
  outcome: FleetOutcome,
): Pick<FleetRepositoryStatus, 'lastAttemptedRevision' | 'lastAppliedRevision'> {
  const attempted = outcome.kind === 'stalled' || outcome.kind === 'suspended' ? undefined : outcome.revision;
  const lastAttemptedRevision = attempted ?? before.lastAttemptedRevision;
  const lastAppliedRevision = isWhole(outcome) ? outcome.revision : before.lastAppliedRevision;
  return {
    ...(lastAttemptedRevision === undefined ? {} : { lastAttemptedRevision }),
    ...(lastAppliedRevision === undefined ? {} : { lastAppliedRevision }),
  };
}

function inventoryOf(before: FleetRepositoryStatus, outcome: FleetOutcome): Pick<FleetRepositoryStatus, 'inventory'> {
  const inventory = outcome.kind === 'applied' ? outcome.inventory : before.inventory;
  if (inventory === undefined || inventory.length === 0) return {};
  return { inventory: [...inventory].sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, maximumObjects) };
}

function errorsOf(outcome: FleetOutcome): Pick<FleetRepositoryStatus, 'errors'> {
  const errors = outcome.kind === 'stalled' || outcome.kind === 'suspended' ? [] : (outcome.errors ?? []);
  if (errors.length === 0) return {};
  return {
    errors: errors.slice(0, limits.errors).map((error) => ({
      ...error,
      file: error.file.slice(0, limits.file),
      message: error.message.slice(0, limits.message),
    })),
  };
}

/** One entry per revision and outcome: an interval that changes nothing adds nothing. */
function historyOf(before: FleetRepositoryStatus, outcome: FleetOutcome, now: string): Pick<FleetRepositoryStatus, 'history'> {
  const history = before.history ?? [];
  if (outcome.kind === 'stalled' || outcome.kind === 'suspended' || outcome.revision === undefined)
    return history.length === 0 ? {} : { history };
  const entry = {
    revision: outcome.revision,
    outcome:
      outcome.kind === 'failed' ? ('Failed' as const) : isWhole(outcome) ? ('Applied' as const) : ('PartlyApplied' as const),
    time: now.replace(/\.\d+Z$/, 'Z'),
    objects: outcome.kind === 'applied' ? outcome.inventory.length : 0,
    ...(isWhole(outcome) ? {} : { message: judgeReady(outcome).message.slice(0, limits.message) }),
  };
  const [latest] = history;
  if (latest && latest.revision === entry.revision && latest.outcome === entry.outcome && latest.objects === entry.objects)
    return { history };
  return { history: [entry, ...history].slice(0, limits.history) };
}
