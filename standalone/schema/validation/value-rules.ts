// What a schema says about one value, without its members. Algorithm and wording: kube-openapi, pkg/validation.
import { equalJson, type JsonValue } from '../json.ts';
import type { Cause, StructuralSchema } from '../structural-schema.ts';
import type { Correlation } from './correlation.ts';
import { invalid, noField, notSupported, tooLong, typeInvalid } from './field-error.ts';
import { checkedFormat, matchesFormat } from './formats.ts';
import { matchesPattern } from './pattern.ts';

/** A value at its place, with what it has to be. */
export interface Node {
  readonly schema: StructuralSchema;
  readonly value: JsonValue;
  /** Below the root, with dots. */
  readonly path: string;
  /** The field that the whole schema describes: '' for an object. */
  readonly root: string;
  readonly correlation: Correlation | undefined;
  /** One of several schemas is being tried. */
  readonly inBranch?: boolean;
}

/** `matches` counts what held, to choose the branch of an anyOf that was meant. */
export interface Result {
  causes: Cause[];
  matches: number;
}

export function ok(matches = 0): Result {
  return { causes: [], matches };
}

function fail(...causes: Cause[]): Result {
  return { causes, matches: 0 };
}

export function fieldOf({ root, path }: Pick<Node, 'root' | 'path'>): string {
  const below = path.startsWith('.') ? path.slice(1) : path;
  if (below === '') return root === '' ? noField : root;
  return root === '' ? below : `${root}.${below}`;
}

export function wrong(node: Node, value: JsonValue, message: string): Cause {
  return invalid(fieldOf(node), value, `${node.path} in body ${message}`);
}

/** About the schema as a whole: carries the root's field, not the value's. */
export function unplaced({ root }: Node, message: string): Cause {
  return invalid(root === '' ? noField : root, '', message);
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

export function checkType(node: Node): Result {
  const types = typesOf(node.schema);
  const actual = typeOf(node.value);
  const fits = types.includes(actual) || (actual === 'integer' && types.includes('number'));
  if (types.length === 0 || fits || (actual === 'null' && node.schema.nullable === true)) return ok(1);
  const detail = `${node.path} in body must be of type ${types.join(',')}: ${JSON.stringify(actual)}`;
  return fail(typeInvalid(fieldOf(node), actual, detail));
}

export function checkEnum(node: Node): Result {
  const accepted = node.schema.enum;
  if (!accepted || accepted.some((item) => equalJson(item, node.value))) return ok();
  return fail(notSupported(fieldOf(node), node.value, accepted));
}

/** The first problem only, as Kubernetes does. */
export function checkString(node: Node): Result {
  const { schema, value } = node;
  if (typeof value !== 'string') return ok();
  const { minLength, maxLength, pattern } = schema;
  const length = codePoints(value);
  if (maxLength !== undefined && length > maxLength) return fail(tooLong(fieldOf(node), maxLength));
  if (minLength !== undefined && length < minLength)
    return fail(wrong(node, value, `should be at least ${minLength} chars long`));
  if (pattern !== undefined && !matchesPattern(pattern, value)) return fail(wrong(node, value, `should match '${pattern}'`));
  return ok();
}

/** Lengths count Unicode code points. */
function codePoints(text: string): number {
  return Array.from(text).length;
}

export function checkFormat(node: Node): Result {
  const format = checkedFormat(node.schema);
  if (format === undefined || typeof node.value !== 'string' || matchesFormat(format, node.value)) return ok();
  const detail = `${node.path} in body must be of type ${node.schema.format}: ${JSON.stringify(node.value)}`;
  return fail(typeInvalid(fieldOf(node), node.value, detail));
}

const ranges: Record<string, [number, number]> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2 ** 63), 2 ** 63],
  float: [-3.4028234663852886e38, 3.4028234663852886e38],
};

/** Only a plain integer or number type has a range; int-or-string has none. */
function fitsRange({ type, format, 'x-kubernetes-int-or-string': either }: StructuralSchema, value: number): boolean {
  if (either || (type !== 'integer' && type !== 'number')) return true;
  const [low, high] = ranges[format ?? (type === 'integer' ? 'int64' : '')] ?? [-Infinity, Infinity];
  return value >= low && value <= high && (type === 'number' || Number.isInteger(value));
}

export function checkNumber(node: Node): Result {
  const { schema, value } = node;
  if (typeof value !== 'number') return ok();
  const causes: Cause[] = [];
  if (!fitsRange(schema, value)) {
    const format = schema.format === undefined ? '(default format)' : `with format ${schema.format}`;
    causes.push(unplaced(node, `Checked value must be of type ${schema.type} ${format} in ${node.path}`));
  }
  return { causes: [...causes, ...boundsProblems(schema, value).map((problem) => wrong(node, value, problem))], matches: 1 };
}

function boundsProblems(schema: StructuralSchema, value: number): string[] {
  const { maximum, minimum } = schema;
  const problems: string[] = [];
  if (minimum !== undefined && value < minimum) problems.push(`should be greater than or equal to ${minimum}`);
  if (maximum !== undefined && value > maximum) problems.push(`should be less than or equal to ${maximum}`);
  return problems;
}
