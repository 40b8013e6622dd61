// Reads manifests: YAML text in; objects, or errors with file, line and column, out. Pure.
import { type Document, isMap, LineCounter, parseAllDocuments } from 'yaml';
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
    const read = { objects: fresh.objects, errors: [...fresh.errors] };
    const duplicate = read.objects.find((entry) => seen.has(identityOf(entry)));
    if (duplicate)
      read.errors.push({
        file: file.path,
        ...duplicate.locate('metadata.name'),
        message: `${describe(duplicate)} is declared in ${seen.get(identityOf(duplicate))} too: keep one`,
      });
    if (read.errors.length > 0) {
      all.errors.push(...read.errors);
      continue;
    }
    for (const entry of read.objects) seen.set(identityOf(entry), file.path);
    all.objects.push(...read.objects);
  }
  return all;
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
  const documents = parseAllDocuments(file.text, { lineCounter: lines, uniqueKeys: true, schema: 'core', version: '1.2' });
  if (!Array.isArray(documents)) return result; // an empty file
  if (documents.length > maximumDocuments)
    return {
      objects: [],
      errors: [{ file: file.path, message: `${documents.length} documents in one file, at most ${maximumDocuments}` }],
    };
  for (const document of documents) {
    const outcome = readDocument(file.path, document, lines, rules);
    if (outcome === undefined) continue;
    if ('message' in outcome) result.errors.push(outcome);
    else result.objects.push(outcome);
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

function firstLine(message: string): string {
  return (message.split('\n', 1)[0] ?? message).replace(/ at line \d+, column \d+:?$/, '');
}
