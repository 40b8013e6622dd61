// What a schema says about values: types, bounds, patterns, required members. Algorithm and wording: kube-openapi, pkg/validation.

import { atIndex, atKey, type Correlation, isUnchanged } from './correlation.ts';
import { invalid, noField, notSupported, required, tooLong, tooMany, typeInvalid } from './field-error.ts';
import { checkedFormat, matchesFormat } from './formats.ts';
import { equalJson, isObject, type JsonObject, type JsonValue } from './json.ts';
import { matchesPattern } from './pattern.ts';
import type { Cause, StructuralSchema } from './structural-schema.ts';

/** Everything wrong with `value`. `root` is the field that the schema describes: '' for a whole object. */
export function validateValue(schema: StructuralSchema, value: JsonValue, root: string, correlation?: Correlation): Cause[] {
  return check({ schema, value, path: '', root, correlation }, true).causes;
}

interface Node {
  readonly schema: StructuralSchema;
  readonly value: JsonValue;
  /** Below the root, with dots. */
  readonly path: string;
  readonly root: string;
  readonly correlation: Correlation | undefined;
}

/** `matches` counts what held, to choose the branch of an anyOf or oneOf that was meant. */
interface Result {
  causes: Cause[];
  matches: number;
}

/** A ratcheted node forgives what did not change. */
function check(node: Node, ratcheted: boolean): Result {
  const result: Result = { causes: [], matches: 1 };
  const { schema, value } = node;
  for (const rule of value === null ? [checkType, checkEnum] : [checkType, checkBranches, ...rulesFor(value), checkEnum]) {
    const part = rule({ ...node, schema });
    result.causes.push(...part.causes);
    result.matches += part.matches + 1;
  }
  if (isObject(value)) {
    const part = checkObject(node, value);
    result.causes.push(...part.causes);
    result.matches += part.matches + 1;
  }
  return ratcheted && isUnchanged(node.correlation) ? { ...result, causes: [] } : result;
}

function rulesFor(value: JsonValue): ((node: Node) => Result)[] {
  if (typeof value === 'string') return [checkString, checkFormat];
  if (typeof value === 'number') return [checkNumber];
  return Array.isArray(value) ? [checkList] : [];
}

function ok(matches = 0): Result {
  return { causes: [], matches };
}

function fail(...causes: Cause[]): Result {
  return { causes, matches: 0 };
}

function fieldOf({ root, path }: Pick<Node, 'root' | 'path'>): string {
  const below = path.startsWith('.') ? path.slice(1) : path;
  if (below === '') return root === '' ? noField : root;
  return root === '' ? below : `${root}.${below}`;
}

function wrong(node: Node, value: JsonValue, message: string): Cause {
  return invalid(fieldOf(node), value, `${node.path} in body ${message}`);
}

function typesOf(schema: StructuralSchema): string[] {
  if (schema['x-kubernetes-int-or-string'] === true) return ['integer', 'string'];
  return schema.type === undefined ? [] : [schema.type];
}

function typeOf(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function checkType(node: Node): Result {
  const types = typesOf(node.schema);
  const actual = typeOf(node.value);
  const fits = types.includes(actual) || (actual === 'integer' && types.includes('number'));
  if (types.length === 0 || fits || (actual === 'null' && node.schema.nullable === true)) return ok(1);
  return fail(typeInvalid(fieldOf(node), actual, `${node.path} in body must be of type ${types.join(',')}: ${JSON.stringify(actual)}`));
}

function checkEnum(node: Node): Result {
  const accepted = node.schema.enum;
  if (!accepted || accepted.some((item) => equalJson(item, node.value))) return ok();
  return fail(notSupported(fieldOf(node), node.value, accepted));
}

function checkString(node: Node): Result {
  const { schema, value } = node;
  if (typeof value !== 'string') return ok();
  const length = [...value].length;
  if (schema.maxLength !== undefined && length > schema.maxLength) return fail(tooLong(fieldOf(node), schema.maxLength));
  if (schema.minLength !== undefined && length < schema.minLength) {
    return fail(wrong(node, value, `should be at least ${schema.minLength} chars long`));
  }
  if (schema.pattern !== undefined && !matchesPattern(schema.pattern, value)) {
    return fail(wrong(node, value, `should match '${schema.pattern}'`));
  }
  return ok();
}

function checkFormat(node: Node): Result {
  const format = checkedFormat(node.schema);
  if (format === undefined || typeof node.value !== 'string' || matchesFormat(format, node.value)) return ok();
  const detail = `${node.path} in body must be of type ${node.schema.format}: ${JSON.stringify(node.value)}`;
  return fail(typeInvalid(fieldOf(node), node.value, detail));
}

const ranges: Record<string, [number, number]> = {
  int32: [-2147483648, 2147483647],
  int64: [-9223372036854775808, 9223372036854775807],
  float: [-3.4028234663852886e38, 3.4028234663852886e38],
};

/** Only a plain integer or number type has a range; int-or-string has none. */
function fitsRange({ type, format, 'x-kubernetes-int-or-string': either }: StructuralSchema, value: number): boolean {
  if (either || (type !== 'integer' && type !== 'number')) return true;
  const [low, high] = ranges[format ?? (type === 'integer' ? 'int64' : '')] ?? [-Infinity, Infinity];
  return value >= low && value <= high && (type === 'number' || Number.isInteger(value));
}

function checkNumber(node: Node): Result {
  const { schema, value } = node;
  if (typeof value !== 'number') return ok();
  const causes: Cause[] = [];
  if (!fitsRange(schema, value)) {
    const format = schema.format === undefined ? '(default format)' : `with format ${schema.format}`;
    const message = `Checked value must be of type ${schema.type} ${format} in ${node.path}`;
    causes.push(invalid(node.root === '' ? noField : node.root, '', message));
  }
  const { multipleOf, maximum, minimum, exclusiveMaximum, exclusiveMinimum } = schema;
  if (multipleOf !== undefined && !Number.isInteger(multipleOf < 1 ? (1 / multipleOf) * value : value / multipleOf)) {
    causes.push(wrong(node, value, `should be a multiple of ${multipleOf}`));
  }
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
    causes.push(wrong(node, value, `should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`));
  }
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
    causes.push(wrong(node, value, `should be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`));
  }
  return { causes, matches: 1 };
}

function checkList(node: Node): Result {
  const { schema, value } = node;
  if (!Array.isArray(value)) return ok();
  const result = ok(1);
  const { items } = schema;
  if (items) {
    for (const [position, item] of value.entries()) {
      const correlation = atIndex(node.correlation, position);
      const part = check({ ...node, schema: items, value: item, path: `${node.path}[${position}]`, correlation }, true);
      result.causes.push(...part.causes);
      result.matches += part.matches;
    }
  }
  const size = value.length;
  if (schema.minItems !== undefined && size < schema.minItems) {
    result.causes.push(wrong(node, size, `should have at least ${schema.minItems} items`));
  }
  if (schema.maxItems !== undefined && size > schema.maxItems) result.causes.push(tooMany(fieldOf(node), size, schema.maxItems));
  if (schema.uniqueItems && value.some((item, at) => value.slice(0, at).some((other) => equalJson(item, other)))) {
    result.causes.push(wrong(node, '', "shouldn't contain duplicates"));
  }
  return result;
}

function checkObject(node: Node, value: JsonObject): Result {
  const { schema } = node;
  const result = ok();
  const size = Object.keys(value).length;
  if (schema.minProperties !== undefined && size < schema.minProperties) {
    result.causes.push(wrong(node, size, `should have at least ${schema.minProperties} properties`));
  }
  if (schema.maxProperties !== undefined && size > schema.maxProperties) {
    result.causes.push(tooMany(fieldOf(node), size, schema.maxProperties));
  }
  for (const [name, item] of Object.entries(value)) {
    const part = checkMember(node, name, item);
    result.causes.push(...part.causes);
    result.matches += part.matches;
  }
  for (const name of schema.required ?? []) {
    if (!Object.hasOwn(value, name)) result.causes.push(required(fieldOf({ ...node, path: `${node.path}.${name}` })));
  }
  return result;
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
    return check({ ...node, schema: memberSchema, value, path, correlation }, true);
  }
  if (additional !== false) return ok();
  return fail(invalid(fieldOf(node), name, `${node.path}.${name} in body is a forbidden property`));
}

function checkBranches(node: Node): Result {
  const result = ok(1);
  const { allOf, anyOf, oneOf, not } = node.schema;
  const path = JSON.stringify(node.path);
  const composite = (message: string) => result.causes.push(invalid(node.root === '' ? noField : node.root, '', message));
  const tryAll = (schemas: readonly StructuralSchema[]) => schemas.map((schema) => check({ ...node, schema }, false));
  const merge = (part: Result | undefined) => {
    result.causes.push(...(part?.causes ?? []));
    result.matches += part?.matches ?? 0;
  };

  if (anyOf) {
    const results = tryAll(anyOf);
    const success = results.find(({ causes }) => causes.length === 0);
    if (!success) composite(`${path} must validate at least one schema (anyOf)`);
    merge(success ?? best(results));
  }
  if (oneOf) {
    const results = tryAll(oneOf);
    const valid = results.filter(({ causes }) => causes.length === 0);
    if (valid.length !== 1) {
      const found = valid.length === 0 ? 'Found none valid' : `Found ${valid.length} valid alternatives`;
      composite(`${path} must validate one and only one schema (oneOf). ${found}`);
    }
    if (valid.length <= 1) merge(valid[0] ?? best(results));
  }
  if (allOf) {
    const results = tryAll(allOf);
    const failed = results.filter(({ causes }) => causes.length > 0).length;
    results.forEach(merge);
    if (failed > 0) composite(`${path} must validate all the schemas (allOf)${failed === allOf.length ? '. None validated' : ''}`);
  }
  if (not && check({ ...node, schema: not }, false).causes.length === 0) composite(`${path} must not validate the schema (not)`);
  return result;
}

function best(results: readonly Result[]): Result | undefined {
  return results.reduce<Result | undefined>((found, next) => (found && found.matches >= next.matches ? found : next), undefined);
}
