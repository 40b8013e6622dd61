// Reads manifests: YAML text in; objects, or errors with file, line and column, out. Pure.
import { type Document, isMap, isScalar, LineCounter, parseAllDocuments, visit } from 'yaml';
import type { KubeObject } from '../../kube/api/objects.ts';
import { type FleetKind, findKind } from './kinds.ts';

export interface ManifestFile {
  /** Relative to the source's root, with forward slashes. */
  path: string;
  text: string;
}

export interface FileError {
  file: string;
  line?: number;
  column?: number;
  message: string;
}

export interface ManifestObject {
  kind: FleetKind;
  object: KubeObject;
  file: string;
  /** Where a field stands in its file; the nearest that is there. */
  locate(field: string): { line: number; column: number } | undefined;
}

export interface Manifests {
  objects: ManifestObject[];
  errors: FileError[];
}

export interface ManifestRules {
  kinds?: readonly string[];
  namespace: string;
  targetNamespace?: string;
}

const maximumDocuments = 1000;
/** Of one file; a status shows no more of them all. */
const maximumErrors = 32;
/** Aliases are how a few lines become gigabytes. */
const maximumAliases = 100;

/** An error in a file stops that file's objects and no others. */
export function readManifests(
  files: readonly ManifestFile[],
  rules: ManifestRules,
  /** What was read before under the same rules: a file that says the same is not read again. */
  known: Map<string, Manifests> = new Map(),
): Manifests {
  const all: Manifests = { objects: [], errors: [] };
  const seen = new Map<string, string>();
  for (const file of files) {
    const key = `${file.path}\0${file.text}`;
    const fresh = known.get(key) ?? readFile(file, rules);
    known.set(key, fresh);
    const errors = [...fresh.errors, ...duplicatesIn(fresh.objects, seen)];
    if (errors.length > 0) {
      all.errors.push(...errors);
      continue;
    }
    for (const entry of fresh.objects) seen.set(identityOf(entry), file.path);
    all.objects.push(...fresh.objects);
  }
  return all;
}

/** The first object that an earlier file, or an earlier document of the same one, declares too. */
function duplicatesIn(objects: readonly ManifestObject[], seen: ReadonlyMap<string, string>): FileError[] {
  const own = new Set<string>();
  for (const entry of objects) {
    const id = identityOf(entry);
    const other = own.has(id) ? entry.file : seen.get(id);
    own.add(id);
    if (other === undefined) continue;
    const message = `${describe(entry)} is declared in ${other === entry.file ? 'this file twice' : `${other} too`}: keep one`;
    return [{ file: entry.file, ...entry.locate('metadata.name'), message }];
  }
  return [];
}

export function identityOf({ kind, object }: Pick<ManifestObject, 'kind' | 'object'>): string {
  return [object.metadata.namespace ?? '', object.metadata.name, kind.resource.group, kind.resource.kind].join('_');
}

export function describe({ object }: Pick<ManifestObject, 'object'>): string {
  const { namespace, name } = object.metadata;
  return `${object.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

function readFile(file: ManifestFile, rules: ManifestRules): Manifests {
  try {
    return parseFile(file, rules);
  } catch (error) {
    // Brackets nested by the ten thousand: the parser runs out of stack, and the other files must not suffer.
    const why = error instanceof RangeError ? 'it is nested too deeply' : String(error);
    return { objects: [], errors: [{ file: file.path, message: `cannot be read as YAML: ${why}` }] };
  }
}

function parseFile(file: ManifestFile, rules: ManifestRules): Manifests {
  const result: Manifests = { objects: [], errors: [] };
  const lines = new LineCounter();
  // Counted before they are parsed: a document is four bytes of text, and much more as an object.
  const marks = file.text.match(/^(?:---|\.\.\.)/gm)?.length ?? 0;
  if (marks > maximumDocuments)
    return { objects: [], errors: [{ file: file.path, message: `${marks} documents in one file, at most ${maximumDocuments}` }] };
  const documents = parseAllDocuments(file.text, {
    lineCounter: lines,
    schema: 'core',
    version: '1.2',
    // Its own check compares every key with every other, minutes for a file that is all keys; and its words quote the line each time.
    uniqueKeys: false,
    prettyErrors: false,
  });
  if (!Array.isArray(documents)) return result; // an empty file
  for (const document of documents) {
    const outcome = readDocument(file.path, document, lines, rules);
    if (outcome === undefined) continue;
    if (!('message' in outcome)) result.objects.push(outcome);
    else if (result.errors.push(outcome) === maximumErrors) break;
  }
  return result;
}

function readDocument(
  file: string,
  document: Document.Parsed,
  lines: LineCounter,
  rules: ManifestRules,
): ManifestObject | FileError | undefined {
  const locate = (field: string) => positionOf(document, lines, field);
  const [syntax] = document.errors;
  if (syntax) return { file, ...at(lines, syntax.pos[0]), message: firstLine(syntax.message) };
  const again = keyGivenTwice(document);
  if (again) return { file, ...at(lines, again.offset), message: `the key ${again.key} comes twice in one mapping: keep one` };
  if (document.contents === null) return undefined;
  if (!isMap(document.contents))
    return { file, ...locate(''), message: 'a manifest is a mapping with apiVersion, kind and metadata' };
  const value = convert(document);
  if (value instanceof Error) return { file, ...locate(''), message: firstLine(value.message) };
  const { apiVersion, kind, metadata } = value as {
    apiVersion?: unknown;
    kind?: unknown;
    metadata?: Partial<KubeObject['metadata']> | null;
  };
  if (typeof apiVersion !== 'string' || typeof kind !== 'string')
    return { file, ...locate(''), message: 'apiVersion or kind is missing' };
  if (typeof metadata?.name !== 'string') return { file, ...locate('metadata'), message: `${kind} has no metadata.name` };
  const misnamed = misnamedIn(metadata);
  if (misnamed) return { file, ...locate(`metadata.${misnamed.field}`), message: misnamed.message };
  const found = findKind(apiVersion, kind, rules.kinds);
  if (found.kind === 'refused') return { file, ...locate('kind'), message: found.message };
  const namespace = found.entry.resource.namespaced
    ? (rules.targetNamespace ?? metadata.namespace ?? rules.namespace)
    : undefined;
  const { namespace: _, ...rest } = metadata as KubeObject['metadata'];
  const object: KubeObject = {
    ...(value as KubeObject),
    metadata: { ...rest, ...(namespace === undefined ? {} : { namespace }) },
  };
  return { kind: found.entry, object, file, locate };
}

/** An API server refuses these too, but what was refused is in the inventory, and there it would keep any status from being written. */
function misnamedIn({
  name,
  namespace,
}: {
  name?: unknown;
  namespace?: unknown;
}): { field: string; message: string } | undefined {
  const says = (field: string, value: unknown, most: number) => ({
    field,
    message: `metadata.${field} ${JSON.stringify(value).slice(0, 80)} is not a name: write at most ${most} small letters, digits and hyphens`,
  });
  if (typeof name !== 'string' || name.length > 253 || !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name))
    return says('name', name, 253);
  if (namespace === undefined || namespace === null) return undefined;
  const good = typeof namespace === 'string' && namespace.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(namespace);
  return good ? undefined : says('namespace', namespace, 63);
}

/** In one walk, whatever the number of keys. */
function keyGivenTwice(document: Document.Parsed): { key: string; offset: number } | undefined {
  let found: { key: string; offset: number } | undefined;
  visit(document, {
    Map(_, { items }) {
      const keys = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (keys.has(key.value)) {
          found = { key: String(key.value).slice(0, 80), offset: key.range?.[0] ?? 0 };
          return visit.BREAK;
        }
        keys.add(key.value);
      }
      return undefined;
    },
  });
  return found;
}

function convert(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: maximumAliases });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** `spec.placement.tolerations[0].key` to a place in the text. */
function positionOf(document: Document.Parsed, lines: LineCounter, field: string): { line: number; column: number } | undefined {
  const path = [...field.matchAll(/\[(\d+)\]|\["?([^\]"]+)"?\]|([^.[\]]+)/g)].map(([, index, key, name]) =>
    index === undefined ? (key ?? name ?? '') : Number(index),
  );
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    const range = (node as { range?: [number, number, number] } | null | undefined)?.range;
    if (range) return at(lines, range[0]);
  }
  return undefined;
}

function at(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

/** The parser quotes what it stumbled over, which may be the whole file. */
function firstLine(message: string): string {
  return (message.split('\n', 1)[0] ?? message).slice(0, 300);
}
