import { applyPatch } from '../apply/apply.ts';
import { JsonPatchError, jsonPatch } from '../apply/json-patch.ts';
import { mergePatch } from '../apply/merge-patch.ts';
import { expectObject, parseJson, parseYaml } from '../http/body.ts';
import {
  badRequest,
  conflict,
  invalidOption,
  modified,
  notFound,
  StatusError,
  unsupportedMediaType,
} from '../http/status-error.ts';
import { duplicateFields } from '../schema/duplicate-fields.ts';
import { isObject, type JsonObject, type JsonValue } from '../schema/json.ts';
import type { Transaction } from '../storage/object-store.ts';
import { metadataOf, nameOf, text, uidOf } from '../storage/stored-object.ts';
import { type RegistryContext, readServed, timestamp } from './context.ts';
import { insert, type Written } from './create.ts';
import { type Decoded, DecodingError, decodeObject, placeObject, type Sent } from './decode.ts';
import { commitUpdate, type UpdateTarget, updateDecoded } from './update.ts';
import type { WriteOptions } from './write-options.ts';

const applyType = 'application/apply-patch+yaml';
const jsonType = 'application/json-patch+json';
const mergeType = 'application/merge-patch+json';
const strategicType = 'application/strategic-merge-patch+json';

/** A patch of any of the four kinds. A strategic merge patch is taken as a merge patch: lists are replaced whole. */
export async function patchObject(
  context: RegistryContext,
  target: UpdateTarget,
  type: string,
  body: string,
  options: WriteOptions,
): Promise<Written> {
  if (type === applyType) return applyObject(context, target, body, options);
  const change = readChange(target, type, body);
  const duplicates = duplicateFields(body);
  let warnings: readonly string[] = [];
  const object = await context.store.write(
    (transaction) => {
      const live = readServed(transaction, target, target.name);
      target.admit?.(live);
      if (live === undefined) throw notFound(target.kind, target.name);
      const decoded = decodePatched(target, { sent: change(live), duplicates }, options);
      ({ warnings } = decoded);
      return updateDecoded(context, transaction, target, live, decoded, options);
    },
    { dryRun: options.dryRun },
  );
  return { object, warnings, created: false };
}

function decodePatched(target: UpdateTarget, patched: Sent, options: WriteOptions): Decoded {
  try {
    return decodeObject(target.kind, patched, options.fieldValidation);
  } catch (error) {
    if (!(error instanceof DecodingError)) throw error;
    const causes = [{ reason: 'FieldValueInvalid', message: `Invalid value: ${error.why}`, field: 'patch' }];
    throw new StatusError(422, 'Invalid', ` "" is invalid: patch: Invalid value: ${error.why}`, { causes }, { cause: error });
  }
}

function readChange(target: UpdateTarget, type: string, body: string): (live: JsonObject) => JsonObject {
  const strategic = target.kind.builtIn ? [strategicType] : [];
  switch (type) {
    case jsonType: {
      const operations = parseJson(body);
      return (live) => applyOperations(live, operations);
    }
    case mergeType:
    case strategicType: {
      if (type === strategicType && strategic.length === 0) break;
      const patch = expectObject(parseJson(body));
      return (live) => expectObject(mergePatch(live, type === strategicType ? withoutDirectives(patch) : patch));
    }
    default:
  }
  throw unsupportedMediaType([jsonType, mergeType, ...strategic, applyType]);
}

function applyOperations(live: JsonObject, operations: JsonValue): JsonObject {
  try {
    return expectObject(jsonPatch(live, operations));
  } catch (error) {
    if (!(error instanceof JsonPatchError)) throw error;
    const reasons = { 400: 'BadRequest', 413: 'RequestEntityTooLarge', 422: 'Invalid' } as const;
    throw new StatusError(error.status, reasons[error.status], error.message, error.status === 422 ? {} : undefined, {
      cause: error,
    });
  }
}

/** kubectl adds hints on the order of list items, which a merge patch has no use for. */
function withoutDirectives(patch: JsonObject): JsonObject {
  const entries = Object.entries(patch)
    .filter(([key]) => !key.startsWith('$setElementOrder/') && key !== '$retainKeys')
    .map(([key, value]): [string, JsonValue] => [key, isObject(value) ? withoutDirectives(value) : value]);
  return Object.fromEntries(entries);
}

async function applyObject(
  context: RegistryContext,
  target: UpdateTarget,
  body: string,
  options: WriteOptions,
): Promise<Written> {
  if (options.fieldManager === '') {
    const message = 'Required value: is required for apply patch';
    throw invalidOption('PatchOptions', { reason: 'FieldValueRequired', field: 'fieldManager', message });
  }
  const applied = readApplied(target, body);
  const written = await context.store.write((transaction) => applyWithin(context, transaction, target, applied, options), {
    dryRun: options.dryRun,
  });
  return { ...written, warnings: [] };
}

function applyWithin(
  context: RegistryContext,
  transaction: Transaction,
  target: UpdateTarget,
  applied: JsonObject,
  options: WriteOptions,
): { object: JsonObject; created: boolean } {
  const { kind, name } = target;
  const live = readServed(transaction, target, name);
  target.admit?.(live);
  if (live === undefined && target.subresource !== undefined) throw notFound(kind, name);
  checkIdentity(target, applied, live);
  const subresource = target.subresource === undefined ? {} : { subresource: 'status' as const };
  const outcome = applyPatch(live, applied, {
    manager: options.fieldManager,
    force: options.force,
    kind: kind.compiled,
    now: timestamp(context.clock),
    ...subresource,
  });
  if (outcome.kind === 'conflicts') throw new StatusError(409, 'Conflict', outcome.message, { causes: outcome.causes });
  if (outcome.kind === 'refused') {
    throw new StatusError(outcome.status, outcome.status === 400 ? 'BadRequest' : '', outcome.message);
  }
  const placed = placeObject(decodeApplied(target, outcome.object), target);
  if (live === undefined) {
    target.admit?.(undefined, placed);
    return { object: insert(context, transaction, target, placed), created: true };
  }
  return { object: commitUpdate(context, transaction, target, live, placed, options), created: false };
}

/**
 * Kubernetes reads what an apply made of a built-in kind into its Go type once more. A custom resource it takes as it is: the null
 * that a container leaves when it loses everything stays, and validation refuses it.
 */
function decodeApplied({ kind }: UpdateTarget, object: JsonObject): JsonObject {
  return kind.builtIn ? decodeObject(kind, { sent: object, duplicates: [] }, 'Ignore').object : object;
}

function readApplied(target: UpdateTarget, body: string): JsonObject {
  const applied = expectObject(parseYaml(body));
  if (nameOf(applied) !== '') return placeObject(applied, target);
  throw badRequest(`the name of the object (${target.name} based on URL) was undeterminable: name must be provided`);
}

/** An apply that names a uid or a version means one object at one moment, and must never create another. */
function checkIdentity(target: UpdateTarget, applied: JsonObject, live: JsonObject | undefined): void {
  const uid = uidOf(applied);
  const version = text(metadataOf(applied), 'resourceVersion');
  if (live === undefined && uid !== '') {
    const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw conflict(target.kind, target.name, why);
  }
  if (live !== undefined && version !== '' && version !== text(metadataOf(live), 'resourceVersion')) {
    throw modified(target.kind, target.name);
  }
}
