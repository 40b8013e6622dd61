// Devices and classes from files: what `kubectl get edgedevices,deviceclasses -o yaml` prints, or manifests written by hand.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../kube/api/objects.ts';
import { isObject, type JsonObject } from '../../standalone/schema/json.ts';
import { metadataOf, nameOf, text } from '../../standalone/storage/stored-object.ts';
import { CommandError } from '../exit-codes.ts';
import { idOf, type ObjectsById, type PlanKinds } from './plan-kinds.ts';

const wanted: ReadonlySet<string> = new Set(['EdgeDevice', 'DeviceClass']);

/** @throws CommandError that names the file and what is wrong in it */
export async function readDeviceFiles(paths: readonly string[], kinds: PlanKinds): Promise<ObjectsById> {
  const objects = new Map<string, JsonObject>();
  for (const file of (await Promise.all(paths.map(filesOf))).flat())
    for (const object of objectsIn(file, await readFile(file, 'utf8'))) {
      const checked = check(file, object, kinds);
      objects.set(idOf(checked as JsonObject & KubeObject), checked);
    }
  return objects;
}

async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new CommandError(`--devices ${path}: there is no such file or directory`, next);
  if (!found.isDirectory()) return [path];
  const names = await readdir(path);
  return names
    .filter((name) => /\.(ya?ml|json)$/.test(name))
    .sort()
    .map((name) => join(path, name));
}

const next = 'name a file that "kubectl get edgedevices,deviceclasses -o yaml" has written, or manifests of EdgeDevices';

function objectsIn(file: string, content: string): JsonObject[] {
  const documents = parseAllDocuments(content, { uniqueKeys: true, schema: 'core', version: '1.2' });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    const [problem] = document.errors;
    if (problem) throw new CommandError(`--devices ${file}: ${problem.message.split('\n', 1)[0]}`, next);
    const value = document.toJS({ maxAliasCount: 100 }) as unknown;
    if (!isObject(value)) return [];
    const { items } = value;
    const all = value['kind'] === 'List' && Array.isArray(items) ? items.filter((item) => isObject(item)) : [value];
    return all.filter((object) => wanted.has(text(object, 'kind')));
  });
}

/** As a server would hold it, with the status that an agent has reported. */
function check(file: string, given: JsonObject, kinds: PlanKinds): JsonObject {
  const kind = kinds.get(text(given, 'kind'));
  if (!kind) throw new CommandError(`--devices ${file}: ${text(given, 'kind')} is not known`, next);
  const { object, malformed } = kind.prune(given);
  const complete = kind.default(object);
  const { managedFields: _, ...metadata } = metadataOf(complete);
  const name = nameOf(complete);
  const checked = {
    ...complete,
    spec: complete['spec'] ?? {},
    metadata: {
      uid: `planned-${kind.definition.kind}--${name}`,
      resourceVersion: '0',
      creationTimestamp: new Date(0).toISOString(),
      generation: 1,
      ...metadata,
    },
  };
  const cause = malformed === undefined ? kind.validate(checked).at(0) : { field: 'metadata', message: malformed };
  if (cause) throw new CommandError(`--devices ${file}: ${kind.definition.kind} ${name}: ${cause.field}: ${cause.message}`, next);
  return checked;
}
