// Applies manifests with the fleet's own field manager, and takes away what is no longer declared.
import type { FleetRepository, InventoryEntry } from '../../crds/fleet-repository.ts';
import { annotations, fieldManagers } from '../../crds/names.ts';
import { ApiError, isConflict, isNotFound } from '../../kube/api/api-error.ts';
import type { CallOptions, Client } from '../../kube/api/client.ts';
import type { KubeObject, Stored } from '../../kube/api/objects.ts';
import type { EventRecorder } from '../../kube/runtime/event-recorder.ts';
import { type FleetKind, kindOfEntry } from './kinds.ts';
import { describe, type FileError, identityOf, type ManifestObject } from './manifest.ts';
import { explainCause, explainText } from './refusal.ts';
import { textOf } from './rights.ts';

export interface ApplyDeps {
  client: Pick<Client, 'get' | 'apply' | 'delete'>;
  events: Pick<EventRecorder, 'publish'>;
  /** Who applies and prunes. Absent: the controller itself. */
  asUser?: string | undefined;
}

export interface Applied {
  inventory: InventoryEntry[];
  errors: FileError[];
}

/** Applies in the order of kinds; the errors of one file do not stop another's. */
export async function applyAll(
  deps: ApplyDeps,
  repository: Stored<FleetRepository>,
  objects: readonly ManifestObject[],
  signal: AbortSignal,
): Promise<Applied> {
  const applied: Applied = { inventory: [], errors: [] };
  const before = new Set(repository.status?.inventory?.map(({ id }) => id));
  // What others live in or refer to comes first; within one kind nothing depends on order.
  for (const [, sameOrder] of [...Map.groupBy(objects, ({ kind }) => kind.order)].sort(([a], [b]) => a - b)) {
    const waiting = sameOrder.values();
    const failures = new Map<ManifestObject, FileError[]>();
    const own = new Set<ManifestObject>();
    await Promise.all(
      Array.from({ length: concurrentApplies }, async () => {
        for (const entry of waiting) {
          try {
            if (await applyOne(deps, repository, entry, signal)) own.add(entry);
          } catch (error) {
            signal.throwIfAborted();
            failures.set(entry, describeFailure(entry, error));
          }
        }
      }),
    );
    for (const entry of sameOrder) {
      applied.errors.push(...(failures.get(entry) ?? []));
      // What was applied before is there still, a bad edit must not have it pruned; what somebody else applied is not ours to prune.
      if (own.has(entry) || before.has(identityOf(entry))) applied.inventory.push(inventoryEntry(entry));
    }
  }
  return applied;
}

const concurrentApplies = 8;

function inventoryEntry(entry: ManifestObject): InventoryEntry {
  return { id: identityOf(entry), version: entry.kind.resource.version };
}

/** @returns whether it was applied: an object may opt out. */
async function applyOne(
  { client, events, asUser }: ApplyDeps,
  repository: Stored<FleetRepository>,
  entry: ManifestObject,
  signal: AbortSignal,
): Promise<boolean> {
  const { kind, object } = entry;
  const policy = object.metadata.annotations?.[annotations.ssa];
  if (policy === 'Ignore') return false;
  const caller = { signal, asUser };
  if (policy === 'IfNotPresent' && (await exists(client, entry, caller))) return false;
  const options = { ...caller, fieldManager: fieldManagers.fleet, fieldValidation: 'Strict' as const };
  try {
    await client.apply(kind.resource, object, { ...options, force: false });
  } catch (error) {
    if (!isConflict(error)) throw error;
    const before = await client.get(kind.resource, objectKey(object), caller).catch(() => undefined);
    await client.apply(kind.resource, object, { ...options, force: true });
    const others = managersIn(error);
    const note = `${describe(entry)}: fields of ${others || 'another manager'} were set back to what ${entry.file} says`;
    events.publish({
      regarding: repository,
      ...(before ? { related: before } : {}),
      type: 'Warning',
      reason: 'DriftCorrected',
      action: 'Apply',
      note,
    });
  }
  return true;
}

function managersIn(error: ApiError): string {
  const names = (error.details?.causes ?? []).flatMap(({ message = '' }) => /conflict with "([^"]+)"/.exec(message)?.[1] ?? []);
  return [...new Set(names)].join(', ');
}

async function exists(client: Pick<Client, 'get'>, { kind, object }: ManifestObject, caller: CallOptions): Promise<boolean> {
  try {
    await client.get(kind.resource, objectKey(object), caller);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

function objectKey({ metadata }: KubeObject): { name: string; namespace?: string } {
  return { name: metadata.name, ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }) };
}

/** Every cause with its own place in the file. */
function describeFailure(entry: ManifestObject, error: unknown): FileError[] {
  const causes = error instanceof ApiError ? (error.details?.causes ?? []) : [];
  const refusals =
    causes.length === 0
      ? [explainText(entry.object, textOf(error))]
      : causes.map(({ field = '', message = '' }) => explainCause(entry.object, field, message));
  return refusals.map(({ field, message }) => ({
    file: entry.file,
    ...entry.locate(field),
    message: `${describe(entry)}: ${message}`,
  }));
}

/** Entries that are in `before` and no longer declared. Pure. */
export function surplus(before: readonly InventoryEntry[], now: readonly InventoryEntry[]): InventoryEntry[] {
  const declared = new Set(now.map((entry) => entry.id));
  return before.filter((entry) => !declared.has(entry.id));
}

/** Deletes what is no longer declared, unless it is protected; what could not be deleted stays in the inventory, and why is said. */
export async function prune(
  deps: ApplyDeps,
  repository: Stored<FleetRepository>,
  entries: readonly InventoryEntry[],
  signal: AbortSignal,
): Promise<{ left: InventoryEntry[]; failure?: string }> {
  const left: InventoryEntry[] = [];
  let failure: string | undefined;
  const caller = { signal, asUser: deps.asUser };
  for (const { entry, found } of inReverse(entries)) {
    const [namespace = '', name = '', , kind = ''] = entry.id.split('_');
    const key = { name, ...(namespace === '' ? {} : { namespace }) };
    try {
      const live = await deps.client.get(found.resource, key, caller);
      if (live.metadata.annotations?.[annotations.prune] === 'disabled') continue;
      await deps.client.delete(found.resource, key, { ...caller, uid: live.metadata.uid, propagationPolicy: 'Background' });
      deps.events.publish({
        regarding: repository,
        related: live,
        type: 'Normal',
        reason: 'Pruned',
        action: 'Prune',
        note: `${kind} ${namespace === '' ? name : `${namespace}/${name}`} is no longer declared`,
      });
    } catch (error) {
      signal.throwIfAborted();
      if (isNotFound(error)) continue;
      left.push(entry);
      failure ??= `${kind} ${namespace === '' ? name : `${namespace}/${name}`} is no longer declared and cannot be deleted: ${textOf(error)}`;
    }
  }
  return { left, ...(failure === undefined ? {} : { failure }) };
}

/** What refers to others goes before them. */
function inReverse(entries: readonly InventoryEntry[]): { entry: InventoryEntry; found: FleetKind }[] {
  return entries
    .flatMap((entry) => {
      const [, , group = '', kind = ''] = entry.id.split('_');
      const found = kindOfEntry(group, kind);
      return found ? [{ entry, found }] : [];
    })
    .sort((a, b) => b.found.order - a.found.order);
}
