// What `kubectl get` prints. Algorithm: apiextensions-apiserver, registry/customresource/tableconvertor.
import type { JsonObject, JsonValue } from './json.ts';
import { findAll, type JsonPath, parseJsonPath } from './json-path.ts';
import type { PrinterColumn, TableColumn } from './kind.ts';
import { metadataOf } from './metadata/object-meta.ts';

export interface Table {
  columns: TableColumn[];
  cells(object: JsonObject, now: Date): JsonValue[];
}

/** The name comes first, then a column per definition; a kind without columns shows its age. */
export function compileTable(definitions: readonly PrinterColumn[]): Table {
  const shown = definitions.length > 0 ? definitions : [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }];
  const paths = shown.map((column) => ({ column, path: parseJsonPath(column.jsonPath) }));
  const nameColumn = {
    name: 'Name',
    type: 'string',
    format: 'name',
    description: 'Name must be unique within a namespace.',
    priority: 0,
  };
  return {
    columns: [nameColumn, ...shown.map(describe)],
    cells: (object, now) => [
      metadataOf(object)['name'] ?? null,
      ...paths.map(({ column, path }) => cell(column, path, object, now)),
    ],
  };
}

function describe(column: PrinterColumn): TableColumn {
  return {
    name: column.name,
    type: column.type,
    format: column.format ?? '',
    description: column.description ?? `Custom resource definition column (in JSONPath format): ${column.jsonPath}`,
    priority: column.priority ?? 0,
  };
}

function cell(column: PrinterColumn, path: JsonPath, object: JsonObject, now: Date): JsonValue {
  const [value] = findAll(path, object);
  if (value === undefined || value === null) return null;
  switch (column.type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return typeof value === 'string' ? age(value, now) : null;
    default:
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
  }
}

function age(time: string, now: Date): string {
  const milliseconds = Date.parse(time);
  return Number.isNaN(milliseconds) ? '<invalid>' : formatAge((now.getTime() - milliseconds) / 1000);
}

/** "90s", "5m30s", "3h", "2d4h": as precise as a person wants it. */
export function formatAge(seconds: number): string {
  const whole = Math.trunc(seconds);
  if (whole < -1) return '<invalid>';
  if (whole < 0) return '0s';
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  const pair = (big: number, bigUnit: string, small: number, smallUnit: string) =>
    `${big}${bigUnit}${small === 0 ? '' : `${small}${smallUnit}`}`;
  if (whole < 120) return `${whole}s`;
  if (minutes < 10) return pair(minutes, 'm', whole % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  if (days < 8) return pair(days, 'd', hours % 24, 'h');
  if (days < 730) return `${days}d`;
  if (days < 2920) return pair(Math.floor(days / 365), 'y', days % 365, 'd');
  return `${Math.floor(days / 365)}y`;
}
