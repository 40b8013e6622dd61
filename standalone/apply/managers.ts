// metadata.managedFields, read into sets and written back.
import type { JsonObject, JsonValue } from '../schema/json.ts';
import { isObject, property } from '../schema/json.ts';
import { type FieldSet, fromFieldsV1, toFieldsV1, union } from './fields/field-set.ts';

/** What one manager owns through one door. */
export interface ManagerEntry {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

/** By identity: an applier is the same at every version, an updater is another one at each. */
export type Managers = ReadonlyMap<string, ManagerEntry>;

export function managerKey(entry: Pick<ManagerEntry, 'manager' | 'operation' | 'apiVersion' | 'subresource'>): string {
  const version = entry.operation === 'Apply' ? '' : entry.apiVersion;
  return JSON.stringify([entry.manager, entry.operation, version, entry.subresource]);
}

/** undefined when the entries are not valid managedFields. */
export function readManagers(managedFields: JsonValue | undefined): Managers | undefined {
  if (managedFields === undefined || managedFields === null) return new Map();
  if (!Array.isArray(managedFields)) return undefined;
  const managers = new Map<string, ManagerEntry>();
  for (const value of managedFields) {
    const entry = readEntry(value);
    if (!entry) return undefined;
    managers.set(managerKey(entry), entry);
  }
  return managers;
}

function readEntry(value: JsonValue): ManagerEntry | undefined {
  if (!isObject(value)) return undefined;
  const text = (key: string) => {
    const found = property(value, key);
    return typeof found === 'string' ? found : '';
  };
  const operation = text('operation');
  const fields = property(value, 'fieldsV1');
  if (operation !== 'Apply' && operation !== 'Update') return undefined;
  if (text('apiVersion') === '' || text('fieldsType') !== 'FieldsV1') return undefined;
  try {
    return {
      manager: text('manager'),
      operation,
      apiVersion: text('apiVersion'),
      subresource: text('subresource'),
      time: text('time') || undefined,
      fields: fromFieldsV1(isObject(fields) ? fields : {}),
    };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Appliers first, then updaters, each by time and name. */
export function writeManagers(managers: Managers): JsonObject[] {
  const seconds = (entry: ManagerEntry) => (entry.time === undefined ? 0 : Math.floor(Date.parse(entry.time) / 1000));
  return [...managers.values()]
    .sort(
      (a, b) =>
        compareText(a.operation, b.operation) ||
        seconds(a) - seconds(b) ||
        compareText(a.manager, b.manager) ||
        compareText(a.apiVersion, b.apiVersion) ||
        compareText(a.subresource, b.subresource),
    )
    .map((entry) => ({
      manager: entry.manager,
      operation: entry.operation,
      apiVersion: entry.apiVersion,
      ...(entry.time === undefined ? {} : { time: entry.time }),
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(entry.fields),
      ...(entry.subresource === '' ? {} : { subresource: entry.subresource }),
    }));
}

function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** As conflicts print it: `"kubectl"`, `"agent" with subresource "status"`, `"curl" using v1`. */
export function formatManager(entry: ManagerEntry): string {
  const subresource = entry.subresource === '' ? '' : ` with subresource ${JSON.stringify(entry.subresource)}`;
  return `${JSON.stringify(entry.manager)}${subresource}${entry.operation === 'Update' ? ` using ${entry.apiVersion}` : ''}`;
}

const maxUpdaters = 10;
const bucketName = 'ancient-changes';

/** Keeps the list bounded: beyond ten updaters, the oldest are merged into one called ancient-changes. */
export function capUpdaters(managers: Managers): Managers {
  const updaters = [...managers].filter(([, entry]) => entry.operation === 'Update');
  if (updaters.length <= maxUpdaters) return managers;
  updaters.sort(
    ([aKey, a], [bKey, b]) => Date.parse(a.time ?? '1970-01-01') - Date.parse(b.time ?? '1970-01-01') || compareText(aKey, bKey),
  );
  const capped = new Map(managers);
  const firstByVersion = new Map<string, string>();
  let count = updaters.length;
  for (const [key, entry] of updaters) {
    if (count <= maxUpdaters) break;
    const first = firstByVersion.get(entry.apiVersion);
    if (first === undefined) {
      firstByVersion.set(entry.apiVersion, key);
      continue;
    }
    const bucket = { manager: bucketName, operation: 'Update' as const, apiVersion: entry.apiVersion, subresource: '' };
    const bucketKey = managerKey(bucket);
    // The bucket may be this entry itself: within one second names decide the order, and one may come before it.
    const merged = [capped.get(bucketKey), capped.get(first), entry].flatMap((one) => (one ? [one.fields] : []));
    capped.delete(first);
    capped.delete(key);
    capped.set(bucketKey, { ...bucket, time: entry.time, fields: merged.reduce(union) });
    count--;
  }
  return capped;
}
