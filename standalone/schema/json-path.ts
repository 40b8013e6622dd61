// The small part of JSONPath that printer columns and selectable fields use: .a.b, [0], [*], ['a'], [?(@.type=="Ready")].
import { equalJson, isObject, type JsonValue, property } from './json.ts';

export type JsonPath = readonly Step[];

type Step =
  | { kind: 'member'; name: string }
  | { kind: 'item'; position: number }
  | { kind: 'every' }
  | { kind: 'filter'; path: JsonPath; equal: boolean; value: JsonValue };

/** Throws when the path is not one of the forms above. */
export function parseJsonPath(text: string): JsonPath {
  const steps: Step[] = [];
  let rest = text.replace(/^\$/, '');
  while (rest !== '') {
    const found = readStep(rest);
    if (!found)
      throw new SyntaxError(`the JSON path ${text} is not supported from "${rest}" on; use .name, [0], [*] or [?(@.a=="b")]`);
    steps.push(found.step);
    rest = rest.slice(found.length);
  }
  return steps;
}

function readStep(text: string): { step: Step; length: number } | undefined {
  const member = /^\.((?:[^.[\]\\]|\\.)+)/.exec(text);
  if (member?.[1] !== undefined) {
    const name = member[1].replaceAll(/\\(.)/g, '$1');
    return { step: name === '*' ? { kind: 'every' } : { kind: 'member', name }, length: member[0].length };
  }
  const quoted = /^\[(['"])(.*?)\1\]/.exec(text);
  if (quoted?.[2] !== undefined) return { step: { kind: 'member', name: quoted[2] }, length: quoted[0].length };
  const item = /^\[(\*|-?\d+)\]/.exec(text);
  if (item?.[1] !== undefined) {
    const step: Step = item[1] === '*' ? { kind: 'every' } : { kind: 'item', position: Number(item[1]) };
    return { step, length: item[0].length };
  }
  const filter = /^\[\?\(\s*@(\.[^=!\s]+)\s*(==|!=)\s*("[^"]*"|'[^']*'|[^)\s]+)\s*\)\]/.exec(text);
  if (!filter?.[1] || filter[3] === undefined) return undefined;
  const value: JsonValue = JSON.parse(filter[3].startsWith("'") ? JSON.stringify(filter[3].slice(1, -1)) : filter[3]);
  return { step: { kind: 'filter', path: parseJsonPath(filter[1]), equal: filter[2] === '==', value }, length: filter[0].length };
}

/** Every value at the path; missing members are no error. */
export function findAll(path: JsonPath, value: JsonValue): JsonValue[] {
  return path.reduce<JsonValue[]>((found, step) => found.flatMap((item) => take(step, item)), [value]);
}

function take(step: Step, value: JsonValue): JsonValue[] {
  switch (step.kind) {
    case 'member': {
      const found = isObject(value) ? property(value, step.name) : undefined;
      return found === undefined ? [] : [found];
    }
    case 'item': {
      const found = Array.isArray(value) ? value.at(step.position) : undefined;
      return found === undefined ? [] : [found];
    }
    case 'every':
      return Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
    case 'filter':
      return Array.isArray(value)
        ? value.filter((item) => findAll(step.path, item).some((found) => equalJson(found, step.value)) === step.equal)
        : [];
  }
}
