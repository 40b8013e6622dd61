import { copyJson, equalJson, isObject, type JsonObject, type JsonValue, property, setProperty } from '../schema/json.ts';

/** Why a JSON patch was not done. `status` is what an API server answers. */
export class JsonPatchError extends Error {
  override readonly name = 'JsonPatchError';
  /** 400: not a patch. 413: too many operations. 422: it does not fit the object. */
  readonly status: 400 | 413 | 422;
  constructor(status: 400 | 413 | 422, message: string) {
    super(message);
    this.status = status;
  }
}

const maxOperations = 10_000;
/** Copies of copies double with every operation: twenty of them would fill the memory. kube-apiserver allows as much. */
const maxCopiedCharacters = 3 * 1024 * 1024;

/** RFC 6902, all or nothing: the target is left alone and a new value is returned. Throws `JsonPatchError`. */
export function jsonPatch(target: JsonValue, patch: unknown): JsonValue {
  if (!Array.isArray(patch)) throw new JsonPatchError(400, 'a JSON patch must be a list of operations');
  if (patch.length > maxOperations) {
    const message = `the allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`;
    throw new JsonPatchError(413, message);
  }
  const copied = { characters: 0 };
  let document = copyJson(target);
  for (const operation of patch) document = perform(document, readOperation(operation), copied);
  return document;
}

interface Operation {
  op: string;
  path: string;
  from: string | undefined;
  value: JsonValue | undefined;
}

function readOperation(operation: unknown): Operation {
  if (!isObject(operation))
    throw new JsonPatchError(400, `a JSON patch operation must be an object, got ${JSON.stringify(operation)}`);
  const op = property(operation, 'op');
  const path = property(operation, 'path');
  const from = property(operation, 'from');
  if (typeof op !== 'string') throw new JsonPatchError(422, 'a JSON patch operation has no "op"');
  if (typeof path !== 'string') throw new JsonPatchError(422, `the JSON patch operation "${op}" has no "path"`);
  return { op, path, from: typeof from === 'string' ? from : undefined, value: property(operation, 'value') };
}

/** What the `copy` operations of one patch have added so far. */
interface Copied {
  characters: number;
}

function perform(document: JsonValue, operation: Operation, copied: Copied): JsonValue {
  const { op, path } = operation;
  switch (op) {
    case 'add':
      return put(document, path, copyJson(operandOf(operation)), 'add');
    case 'replace':
      read(document, path, op);
      return put(document, path, copyJson(operandOf(operation)), 'replace');
    case 'remove':
      return take(document, path, op);
    case 'test':
      test(document, operation);
      return document;
    case 'copy':
      return put(document, path, copyWithin(read(document, sourceOf(operation), op), copied), 'add');
    case 'move': {
      const from = sourceOf(operation);
      if (path.startsWith(`${from}/`)) throw new JsonPatchError(422, `move operation cannot move ${from} into itself`);
      const value = read(document, from, op);
      return put(take(document, from, op), path, value, 'add');
    }
    default:
      throw new JsonPatchError(422, `Unexpected kind: ${op}`);
  }
}

function copyWithin(value: JsonValue, copied: Copied): JsonValue {
  copied.characters += JSON.stringify(value).length;
  if (copied.characters > maxCopiedCharacters) {
    const size = `the accumulated size increase of copy is ${copied.characters}, exceeding the limit ${maxCopiedCharacters}`;
    throw new JsonPatchError(422, `unable to copy, ${size}`);
  }
  return copyJson(value);
}

function operandOf({ op, path, value }: Operation): JsonValue {
  if (value === undefined) throw new JsonPatchError(422, `${op} operation at ${path} has no "value"`);
  return value;
}

function sourceOf({ op, path, from }: Operation): string {
  if (from === undefined) throw new JsonPatchError(422, `${op} operation to ${path} has no "from"`);
  return from;
}

/** A missing path equals null, as in the library that Kubernetes uses. */
function test(document: JsonValue, { path, value }: Operation): void {
  let actual: JsonValue;
  try {
    actual = read(document, path, 'test');
  } catch (error) {
    if (!(error instanceof JsonPatchError) || (value ?? null) !== null) throw error;
    return;
  }
  if (!equalJson(actual, value ?? null)) throw new JsonPatchError(422, `testing value ${path} failed: test failed`);
}

function split(path: string, op: string): string[] {
  if (path === '') return [];
  if (!path.startsWith('/'))
    throw new JsonPatchError(422, `${op} operation has the path ${JSON.stringify(path)}, which must begin with "/"`);
  return path
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function missing(op: string, path: string): JsonPatchError {
  return new JsonPatchError(422, `${op} operation does not apply: doc is missing path: ${path}: missing value`);
}

function read(document: JsonValue, path: string, op: string): JsonValue {
  let value: JsonValue = document;
  for (const part of split(path, op)) {
    const next: JsonValue | undefined = Array.isArray(value)
      ? value[indexOf(value.length, part, op, path)]
      : isObject(value)
        ? property(value, part)
        : undefined;
    if (next === undefined) throw missing(op, path);
    value = next;
  }
  return value;
}

/** Negative indexes count from the end, as in the library that Kubernetes uses. */
function indexOf(size: number, part: string, op: string, path: string): number {
  if (!/^(0|-?[1-9][0-9]*)$/.test(part))
    throw new JsonPatchError(422, `${op} operation has a bad list index in ${path}: ${JSON.stringify(part)}`);
  const index = Number(part);
  return index < 0 ? index + size : index;
}

function parentOf(document: JsonValue, path: string, op: string): { parent: JsonValue[] | JsonObject; last: string } | undefined {
  const parts = split(path, op);
  const last = parts.at(-1);
  if (last === undefined) return undefined;
  const parent = read(document, path.slice(0, path.lastIndexOf('/')), op);
  if (!Array.isArray(parent) && !isObject(parent)) throw missing(op, path);
  return { parent, last };
}

function put(document: JsonValue, path: string, value: JsonValue, op: 'add' | 'replace'): JsonValue {
  const target = parentOf(document, path, op);
  if (!target) return value;
  const { parent, last } = target;
  if (!Array.isArray(parent)) {
    setProperty(parent, last, value);
    return document;
  }
  if (op === 'replace') parent[indexOf(parent.length, last, op, path)] = value;
  else {
    const index = last === '-' ? parent.length : indexOf(parent.length + 1, last, op, path);
    if (index < 0 || index > parent.length) {
      throw new JsonPatchError(422, `${op} operation does not apply: ${path} is outside a list of ${parent.length} items`);
    }
    parent.splice(index, 0, value);
  }
  return document;
}

function take(document: JsonValue, path: string, op: string): JsonValue {
  read(document, path, op);
  const target = parentOf(document, path, op);
  if (!target) return null;
  const { parent, last } = target;
  if (Array.isArray(parent)) parent.splice(indexOf(parent.length, last, op, path), 1);
  else delete parent[last];
  return document;
}
