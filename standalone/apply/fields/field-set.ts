// Sets of field paths, as structured-merge-diff keeps them: which fields a manager owns.
// A path element is its FieldsV1 text: `f:spec`, `k:{"type":"Ready"}`, `v:"a"`. Texts are canonical, so equal elements are equal strings.
import { isObject, type JsonObject, type JsonValue } from '../../schema/json.ts';

export interface FieldSet {
  /** Elements that are themselves in the set. */
  readonly members: Set<string>;
  /** Elements below which something is in the set; says nothing about the element itself. */
  readonly children: Map<string, FieldSet>;
}

export function emptySet(): FieldSet {
  return { members: new Set(), children: new Map() };
}

export function setOf(...paths: (readonly string[])[]): FieldSet {
  const set = emptySet();
  for (const path of paths) insert(set, path);
  return set;
}

/** The only function here that changes a set. The empty path is nobody's. */
export function insert(set: FieldSet, path: readonly string[]): void {
  const last = path.at(-1);
  if (last === undefined) return;
  let node = set;
  for (const element of path.slice(0, -1)) {
    let child = node.children.get(element);
    if (!child) {
      child = emptySet();
      node.children.set(element, child);
    }
    node = child;
  }
  node.members.add(last);
}

export function isEmpty(set: FieldSet): boolean {
  return set.members.size === 0 && [...set.children.values()].every(isEmpty);
}

export function hasPath(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path.slice(0, -1)) node = node?.children.get(element);
  return node?.members.has(path.at(-1) ?? '') ?? false;
}

export function union(left: FieldSet, right: FieldSet): FieldSet {
  const children = new Map(left.children);
  for (const [element, child] of right.children) {
    const own = children.get(element);
    children.set(element, own ? union(own, child) : child);
  }
  return { members: new Set([...left.members, ...right.members]), children };
}

export function intersection(left: FieldSet, right: FieldSet): FieldSet {
  return {
    members: filtered(left.members, (element) => right.members.has(element)),
    children: mapChildren(left, (child, element) => {
      const other = right.children.get(element);
      return other && intersection(child, other);
    }),
  };
}

/** What is in left and not in right. A parent in right does not take its children out of left. */
export function difference(left: FieldSet, right: FieldSet): FieldSet {
  return {
    members: filtered(left.members, (element) => !right.members.has(element)),
    children: mapChildren(left, (child, element) => {
      const other = right.children.get(element);
      return other ? difference(child, other) : child;
    }),
  };
}

/** As `difference`, but a parent in right takes everything below it out of left. */
export function recursiveDifference(left: FieldSet, right: FieldSet): FieldSet {
  return {
    members: filtered(left.members, (element) => !right.members.has(element)),
    children: mapChildren(left, (child, element) => {
      if (right.members.has(element)) return undefined;
      const other = right.children.get(element);
      return other ? recursiveDifference(child, other) : child;
    }),
  };
}

function filtered(members: ReadonlySet<string>, keep: (element: string) => boolean): Set<string> {
  return new Set([...members].filter(keep));
}

function mapChildren(set: FieldSet, change: (child: FieldSet, element: string) => FieldSet | undefined): Map<string, FieldSet> {
  const children = new Map<string, FieldSet>();
  for (const [element, child] of set.children) {
    const changed = change(child, element);
    if (changed && !isEmpty(changed)) children.set(element, changed);
  }
  return children;
}

/** Every path in the set: members before what lies deeper, each sorted. */
export function pathsOf(set: FieldSet, prefix: readonly string[] = []): string[][] {
  const here = [...set.members].sort().map((element) => [...prefix, element]);
  const below = [...set.children.keys()].sort().flatMap((element) => {
    const child = set.children.get(element);
    return child ? pathsOf(child, [...prefix, element]) : [];
  });
  return [...here, ...below];
}

export function fieldElement(name: string): string {
  return `f:${name}`;
}

export function keyElement(keys: JsonObject): string {
  const sorted = Object.keys(keys).sort();
  return `k:{${sorted.map((key) => `${JSON.stringify(key)}:${JSON.stringify(keys[key])}`).join(',')}}`;
}

export function valueElement(value: JsonValue): string {
  return `v:${JSON.stringify(value)}`;
}

/** As conflicts print it: `.spec.conditions[type="Ready"].status`, `.metadata.finalizers[="x"]`. */
export function formatPath(path: readonly string[]): string {
  return path.map(formatElement).join('');
}

function formatElement(element: string): string {
  const text = element.slice(2);
  if (element.startsWith('f:')) return `.${text}`;
  if (element.startsWith('v:')) return `[=${text}]`;
  if (element.startsWith('k:')) {
    const keys: unknown = JSON.parse(text);
    const parts = isObject(keys) ? Object.entries(keys).map(([key, value]) => `${key}=${JSON.stringify(value)}`) : [];
    return `[${parts.join(',')}]`;
  }
  return `[${text}]`;
}

export function toFieldsV1(set: FieldSet): JsonObject {
  const fields: JsonObject = {};
  for (const element of [...new Set([...set.members, ...set.children.keys()])].sort()) {
    const child = set.children.get(element);
    const below = child ? toFieldsV1(child) : {};
    fields[element] = set.members.has(element) && Object.keys(below).length > 0 ? { '.': {}, ...below } : below;
  }
  return fields;
}

/** Elements of an unknown type are dropped, as Kubernetes does; a malformed key throws. */
export function fromFieldsV1(fields: JsonObject): FieldSet {
  const set = emptySet();
  for (const [text, value] of Object.entries(fields)) {
    const element = canonicalElement(text);
    if (element === undefined) continue;
    const below = isObject(value) ? value : {};
    const child = fromFieldsV1(below);
    if (Object.hasOwn(below, '.') || isEmpty(child)) set.members.add(element);
    if (!isEmpty(child)) set.children.set(element, child);
  }
  return set;
}

function canonicalElement(text: string): string | undefined {
  switch (text.slice(0, 2)) {
    case 'f:':
    case 'i:':
      return text;
    case 'v:':
      return `v:${JSON.stringify(JSON.parse(text.slice(2)))}`;
    case 'k:': {
      const keys: JsonValue = JSON.parse(text.slice(2));
      if (!isObject(keys)) throw new SyntaxError(`the path element ${text} is not a set of keys`);
      return keyElement(keys);
    }
    default:
      return undefined;
  }
}
