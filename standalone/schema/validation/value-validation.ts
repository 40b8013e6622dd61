// What a schema says about a value and everything in it. Algorithm and wording: kube-openapi, pkg/validation.
import { isObject, type JsonObject, type JsonValue } from '../json.ts';
import type { Cause, StructuralSchema } from '../structural-schema.ts';
import { atIndex, atKey, type Correlation, isUnchanged } from './correlation.ts';
import { invalid, required, tooMany } from './field-error.ts';
import {
  checkEnum,
  checkFormat,
  checkNumber,
  checkString,
  checkType,
  fieldOf,
  type Node,
  ok,
  type Result,
  unplaced,
  wrong,
} from './value-rules.ts';

/** Everything wrong with `value`. `root` is the field that the schema describes: '' for a whole object. */
export function validateValue(schema: StructuralSchema, value: JsonValue, root: string, correlation?: Correlation): Cause[] {
  return check({ schema, value, path: '', root, correlation }).causes;
}

/** What did not change is forgiven; within a branch it still counts how well it matches. */
function check(node: Node): Result {
  if (!isUnchanged(node.correlation)) return checkStrictly(node);
  return node.inBranch ? { ...checkStrictly(node), causes: [] } : ok();
}

function checkStrictly(node: Node): Result {
  const result = ok(1);
  for (const rule of rulesFor(node.value)) {
    add(result, rule(node));
    result.matches++;
  }
  return result;
}

function add(result: Result, part: Result | undefined): void {
  // One by one: a list of a hundred thousand wrong items is more than a call takes arguments.
  for (const cause of part?.causes ?? []) result.causes.push(cause);
  result.matches += part?.matches ?? 0;
}

function rulesFor(value: JsonValue): ((node: Node) => Result)[] {
  if (value === null) return [checkType, checkEnum];
  const own = typeof value === 'string' ? [checkString, checkFormat] : typeof value === 'number' ? [checkNumber] : [];
  const members = Array.isArray(value) ? [checkList, checkEnum] : isObject(value) ? [checkEnum, checkObject] : [checkEnum];
  return [checkType, checkBranches, ...own, ...members];
}

function checkList(node: Node): Result {
  const { schema, value } = node;
  if (!Array.isArray(value)) return ok();
  const result = ok(1);
  const { items } = schema;
  if (items) {
    for (const [position, item] of value.entries()) {
      const correlation = atIndex(node.correlation, position);
      add(result, check({ ...node, schema: items, value: item, path: `${node.path}[${position}]`, correlation }));
    }
  }
  const size = value.length;
  if (schema.minItems !== undefined && size < schema.minItems) {
    result.causes.push(wrong(node, size, `should have at least ${schema.minItems} items`));
  }
  if (schema.maxItems !== undefined && size > schema.maxItems) result.causes.push(tooMany(fieldOf(node), size, schema.maxItems));
  return result;
}

function checkObject(node: Node): Result {
  const { schema, value } = node;
  if (!isObject(value)) return ok();
  const result: Result = { causes: sizeCauses(node, value), matches: 0 };
  for (const [name, item] of Object.entries(value)) add(result, checkMember(node, name, item));
  for (const name of schema.required ?? []) {
    if (!Object.hasOwn(value, name)) result.causes.push(required(fieldOf({ ...node, path: `${node.path}.${name}` })));
  }
  return result;
}

function sizeCauses(node: Node, value: JsonObject): Cause[] {
  const { maxProperties } = node.schema;
  const size = Object.keys(value).length;
  return maxProperties !== undefined && size > maxProperties ? [tooMany(fieldOf(node), size, maxProperties)] : [];
}

function checkMember(node: Node, name: string, value: JsonValue): Result {
  const { schema } = node;
  const known = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
  const additional = schema.additionalProperties;
  const memberSchema = known ?? (typeof additional === 'object' ? additional : undefined);
  if (memberSchema) {
    const path = known && node.path === '' ? name : `${node.path}.${name}`;
    const isTypeField = node.path === '' && (name === 'apiVersion' || name === 'kind');
    const correlation = isTypeField ? undefined : atKey(node.correlation, name);
    return check({ ...node, schema: memberSchema, value, path, correlation });
  }
  if (additional !== false) return ok();
  return { causes: [invalid(fieldOf(node), name, `${node.path}.${name} in body is a forbidden property`)], matches: 0 };
}

function checkBranches(node: Node): Result {
  const result = ok(1);
  const { anyOf } = node.schema;
  if (!anyOf) return result;
  const branches = anyOf.map((schema) => checkStrictly({ ...node, schema, inBranch: true }));
  const valid = branches.find(({ causes }) => causes.length === 0);
  if (!valid) result.causes.push(unplaced(node, `${JSON.stringify(node.path)} must validate at least one schema (anyOf)`));
  add(result, valid ?? mostMatching(branches));
  return result;
}

/** The branch that was probably meant. */
function mostMatching(results: readonly Result[]): Result | undefined {
  return results.reduce<Result | undefined>((found, next) => (found && found.matches >= next.matches ? found : next), undefined);
}
