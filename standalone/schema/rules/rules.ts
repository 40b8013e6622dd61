// x-kubernetes-validations. Algorithm: apiextensions-apiserver, schema/cel/validation.go; without its cost budget.
import { isObject, type JsonObject, type JsonValue, property } from '../json.ts';
import type { Cause, StructuralSchema, ValidationRule } from '../structural-schema.ts';
import { atIndex, atKey, type Correlation, isUnchanged, itemWithKeysOf } from '../validation/correlation.ts';
import { child, duplicate, forbidden, index, invalid, key, noField, required } from '../validation/field-error.ts';
import { celEnvironment, withGeneralHas } from './cel-environment.ts';
import { rootToCel, toCel } from './cel-value.ts';

/** A schema's rules, compiled, with those below it; undefined where there are none. */
export interface RuleTree {
  readonly schema: StructuralSchema;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, RuleTree>;
  readonly additional: RuleTree | undefined;
  readonly items: RuleTree | undefined;
}

interface CompiledRule {
  readonly rule: ValidationRule;
  readonly usesOldSelf: boolean;
  readonly fieldPath: string;
  evaluate(variables: Record<string, unknown>): unknown;
}

/** Throws a SyntaxError that names the rule when one does not compile: kinds are fixed, so that is a programming error. */
export function compileRules(schema: StructuralSchema): RuleTree | undefined {
  const entries = Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    const tree = compileRules(member);
    return tree ? [[name, tree] as const] : [];
  });
  const tree: RuleTree = {
    schema,
    rules: (schema['x-kubernetes-validations'] ?? []).map(compileRule),
    properties: new Map(entries),
    additional: typeof schema.additionalProperties === 'object' ? compileRules(schema.additionalProperties) : undefined,
    items: schema.items && compileRules(schema.items),
  };
  const any = tree.rules.length > 0 || tree.properties.size > 0 || tree.additional || tree.items;
  return any ? tree : undefined;
}

function compileRule(rule: ValidationRule): CompiledRule {
  const usesOldSelf = /\boldSelf\b/.test(rule.rule);
  const program = celEnvironment().parse(withGeneralHas(rule.rule));
  const checked = program.check();
  if (!checked.valid) throw new SyntaxError(`the rule ${rule.rule} does not compile: ${checked.error?.message}`);
  return {
    rule,
    usesOldSelf,
    fieldPath: (rule.fieldPath ?? '').replace(/^\./, ''),
    evaluate: (variables): unknown => program(variables),
  };
}

/** A value on its way down the tree. `nearest` is the closest ancestor with a predecessor, when the value itself has none. */
interface Visit {
  readonly value: JsonValue;
  readonly old: JsonValue | undefined;
  readonly path: string;
  readonly isRoot: boolean;
  readonly correlation: Correlation | undefined;
  readonly nearest: Correlation | undefined;
}

export function validateRules(tree: RuleTree, object: JsonObject, old: JsonObject | undefined): Cause[] {
  const correlation = old && { value: object, old, schema: tree.schema };
  return visit(tree, { value: object, old, path: '', isRoot: true, correlation, nearest: undefined });
}

function visit(tree: RuleTree, at: Visit): Cause[] {
  if (at.value === null) return [];
  const causes = evaluateRules(tree, at);
  if (Array.isArray(at.value)) causes.push(...visitItems(tree, at, at.value));
  else if (isObject(at.value)) causes.push(...visitMembers(tree, at, at.value));
  return causes;
}

function visitItems(tree: RuleTree, at: Visit, items: readonly JsonValue[]): Cause[] {
  const { items: below } = tree;
  if (!below) return [];
  const before = Array.isArray(at.old) ? at.old : [];
  return items.flatMap((value, position) =>
    visit(below, {
      value,
      old: itemWithKeysOf(tree.schema, before, value),
      path: index(at.path, position),
      isRoot: false,
      ...descend(at, atIndex(at.correlation, position)),
    }),
  );
}

function visitMembers(tree: RuleTree, at: Visit, value: JsonObject): Cause[] {
  const before = isObject(at.old) ? at.old : {};
  return Object.entries(value).flatMap(([name, item]) => {
    const known = tree.properties.get(name);
    const isFree = !Object.hasOwn(tree.schema.properties ?? {}, name);
    const below = known ?? (isFree ? tree.additional : undefined);
    if (!below) return [];
    return visit(below, {
      value: item,
      old: property(before, name),
      path: known ? child(at.path, name) : key(at.path, name),
      isRoot: false,
      ...descend(at, atKey(at.correlation, name)),
    });
  });
}

function descend(at: Visit, correlation: Correlation | undefined): Pick<Visit, 'correlation' | 'nearest'> {
  return { correlation, nearest: at.correlation ?? at.nearest };
}

function evaluateRules(tree: RuleTree, at: Visit): Cause[] {
  if (tree.rules.length === 0) return [];
  const convert = (value: JsonValue) =>
    at.isRoot && isObject(value) ? rootToCel(tree.schema, value) : toCel(tree.schema, value);
  const self = convert(at.value);
  const oldSelf = at.old === undefined || at.old === null ? undefined : convert(at.old);
  const forgiven = isUnchanged(at.correlation ?? at.nearest);
  return tree.rules.flatMap((compiled) => {
    const { usesOldSelf } = compiled;
    if (usesOldSelf && oldSelf === undefined) return [];
    const cause = evaluateRule(compiled, { self, oldSelf: oldSelf ?? null }, at, tree.schema);
    return cause && (usesOldSelf || !forgiven) ? [cause] : [];
  });
}

function evaluateRule(
  compiled: CompiledRule,
  variables: Record<string, unknown>,
  at: Visit,
  schema: StructuralSchema,
): Cause | undefined {
  const { rule } = compiled;
  const own = at.path === '' ? noField : at.path;
  try {
    if (compiled.evaluate(variables) === true) return undefined;
  } catch (error) {
    return invalid(own, schema.type ?? '', `${whyFailed(error)} evaluating rule: ${(rule.message ?? rule.rule).trim()}`);
  }
  const detail = rule.message?.trim() || `failed rule: ${rule.rule.trim()}`;
  const field = compiled.fieldPath === '' ? own : child(at.path, compiled.fieldPath);
  const shown = schema.type === 'object' || schema.type === 'array' ? undefined : at.value;
  const { reason = 'FieldValueInvalid' } = rule;
  switch (reason) {
    case 'FieldValueForbidden':
      return forbidden(field, detail);
    case 'FieldValueRequired':
      return required(field, detail);
    case 'FieldValueDuplicate':
      return duplicate(field, shown);
    case 'FieldValueInvalid':
      return invalid(field, shown, detail);
  }
}

/** The first line: what follows shows the place in the rule. */
function whyFailed(error: unknown): string {
  const text = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  return text.replace(/^No such key/, 'no such key');
}
