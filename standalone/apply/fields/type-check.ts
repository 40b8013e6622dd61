// Whether a value has the types of its schema: what must hold before fields can be owned.
import { isObject, type JsonValue } from '../../schema/json.ts';
import { fieldElement, formatPath } from './field-set.ts';
import { deduce, fieldType, itemElement, type ListType, type MapType, type MergeType } from './merge-type.ts';

/** The first problem, as structured-merge-diff words it (`.spec.foo: field not declared in schema`), or undefined. */
export function typeProblem(
  type: MergeType,
  value: JsonValue,
  options: { allowDuplicates: boolean },
  path: readonly string[] = [],
): string | undefined {
  const form = deduce(type, value);
  if (form.map) return mapProblem(form.map, value, options, path);
  if (form.scalar) return scalarProblem(form.scalar, value, path);
  return form.list ? listProblem(form.list, value, options, path) : undefined;
}

function at(path: readonly string[], message: string): string {
  return path.length === 0 ? message : `${formatPath(path)}: ${message}`;
}

function scalarProblem(scalar: NonNullable<MergeType['scalar']>, value: JsonValue, path: readonly string[]): string | undefined {
  if (value === null) return undefined;
  const actual = typeof value;
  if (scalar === 'any' ? actual !== 'object' : actual === scalar) return undefined;
  const expected = { any: 'any scalar', number: 'numeric (int or float)', string: 'string', boolean: 'boolean' }[scalar];
  return at(path, `expected ${expected}, got ${JSON.stringify(value)}`);
}

function mapProblem(
  map: MapType,
  value: JsonValue,
  options: { allowDuplicates: boolean },
  path: readonly string[],
): string | undefined {
  if (value === null) return undefined;
  if (!isObject(value)) return at(path, `expected map, got ${JSON.stringify(value)}`);
  for (const [key, item] of Object.entries(value)) {
    const here = [...path, fieldElement(key)];
    if (!map.fields.has(key) && !map.element) return at(here, 'field not declared in schema');
    const problem = typeProblem(fieldType(map, key), item, options, here);
    if (problem) return problem;
  }
  return undefined;
}

function listProblem(
  list: ListType,
  value: JsonValue,
  options: { allowDuplicates: boolean },
  path: readonly string[],
): string | undefined {
  if (value === null) return undefined;
  if (!Array.isArray(value)) return at(path, `expected list, got ${JSON.stringify(value)}`);
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    let element = `i:${index}`;
    if (list.associative) {
      const found = itemElement(list, item);
      if ('problem' in found) return at(path, `element ${index}: ${found.problem}`);
      element = found.element;
      if (seen.has(element) && !options.allowDuplicates) {
        return at(path, `duplicate entries for key ${formatPath([element])}`);
      }
      seen.add(element);
    }
    const problem = typeProblem(list.element, item, options, [...path, element]);
    if (problem) return problem;
  }
  return undefined;
}
