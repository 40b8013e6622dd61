import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';

/** Where an object is stored: resource is `group/plural`, namespace is '' for cluster-scoped objects. */
export interface StorageKey {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

export interface VersionRow extends StorageKey {
  readonly revision: number;
  readonly previous: number | null;
  readonly deleted: boolean;
  /** JSON text of the object, resourceVersion included. */
  readonly body: string;
}

export interface ListRange {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** Only names after this one, in the order (namespace, name). */
  readonly after?: { namespace: string; name: string } | undefined;
  /** The state at this revision; the current one when left out. */
  readonly revision?: number | undefined;
}

type Row = Record<string, SQLOutputValue>;

/** The SQL of the store, one prepared statement per question. */
export function prepareVersions(database: DatabaseSync) {
  const columns = 'revision, resource, namespace, name, previous, deleted, body';
  const current = database.prepare(
    `SELECT ${columns} FROM versions WHERE resource = ? AND namespace = ? AND name = ? AND superseded IS NULL`,
  );
  const currentRevision = database.prepare(
    'SELECT revision FROM versions WHERE resource = ? AND namespace = ? AND name = ? AND superseded IS NULL',
  );
  const byRevision = database.prepare(`SELECT ${columns} FROM versions WHERE revision = ?`);
  const supersede = database.prepare('UPDATE versions SET superseded = ? WHERE revision = ?');
  const insert = database.prepare(
    `INSERT INTO versions (revision, resource, namespace, name, previous, superseded, deleted, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const after = database.prepare(`SELECT ${columns} FROM versions WHERE resource = ? AND revision > ? ORDER BY revision LIMIT ?`);
  const last = database.prepare('SELECT max(revision) AS value FROM versions');
  const fact = database.prepare('SELECT value FROM facts WHERE name = ?');
  const setFact = database.prepare(
    'INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  );
  const compact = database.prepare('DELETE FROM versions WHERE superseded <= ?');
  const lists = new Map<string, ReturnType<DatabaseSync['prepare']>>();

  function listStatement(given: { namespace: boolean; name: boolean; snapshot: boolean }) {
    const place = `resource = ?${given.namespace ? ' AND namespace = ?' : ''}${given.name ? ' AND name = ?' : ''}`;
    const sql = `SELECT ${columns} FROM versions WHERE ${place}
      AND (namespace, name) > (?, ?) AND ${given.snapshot ? 'revision <= ? AND (superseded IS NULL OR superseded > ?)' : 'superseded IS NULL'}
      ORDER BY namespace, name`;
    const statement = lists.get(sql) ?? database.prepare(sql);
    lists.set(sql, statement);
    return statement;
  }

  return {
    current: (key: StorageKey) => optional(current.get(key.resource, key.namespace, key.name)),
    /** Without its body, which costs more to read than all the rest. */
    currentRevision(key: StorageKey): number | undefined {
      const row = currentRevision.get(key.resource, key.namespace, key.name);
      return row && Number(row['revision']);
    },
    at: (revision: number) => optional(byRevision.get(revision)),
    *list(resource: string, range: ListRange): Generator<VersionRow> {
      const start = range.after ?? { namespace: '', name: '' };
      const { namespace, name } = range;
      const place = [resource, ...(namespace === undefined ? [] : [namespace]), ...(name === undefined ? [] : [name])];
      const moment = range.revision === undefined ? [] : [range.revision, range.revision];
      const given = { namespace: namespace !== undefined, name: name !== undefined, snapshot: range.revision !== undefined };
      const statement = listStatement(given);
      for (const row of statement.iterate(...place, start.namespace, start.name, ...moment)) yield toRow(row);
    },
    after: (resource: string, revision: number, limit: number) => after.all(resource, revision, limit).map(toRow),
    append(row: VersionRow): void {
      if (row.previous !== null) supersede.run(row.revision, row.previous);
      const superseded = row.deleted ? row.revision : null;
      insert.run(row.revision, row.resource, row.namespace, row.name, row.previous, superseded, Number(row.deleted), row.body);
    },
    compact(revision: number): void {
      compact.run(revision);
      setFact.run('compacted', revision);
    },
    lastRevision: () => Math.max(integer(last.get()), integer(fact.get('compacted')), 1),
    compactedRevision: () => integer(fact.get('compacted')),
  };
}

export type Versions = ReturnType<typeof prepareVersions>;

function optional(row: Row | undefined): VersionRow | undefined {
  return row === undefined ? undefined : toRow(row);
}

function toRow(row: Row): VersionRow {
  const previous = row['previous'];
  return {
    revision: Number(row['revision']),
    resource: String(row['resource']),
    namespace: String(row['namespace']),
    name: String(row['name']),
    previous: previous === null ? null : Number(previous),
    deleted: row['deleted'] === 1,
    body: String(row['body']),
  };
}

function integer(row: Row | undefined): number {
  return Number(row?.['value'] ?? 0);
}
