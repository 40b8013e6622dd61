import { chmodSync, closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { toError } from '../../kube/api/api-error.ts';
import { StandaloneError } from '../standalone-error.ts';

// One row per version of an object, as etcd keeps them: the current one has superseded NULL, a deletion leaves a tombstone that
// supersedes itself. So watches from a version and consistent pages of a list need no second table.
const tables = `
CREATE TABLE IF NOT EXISTS versions (
  revision INTEGER PRIMARY KEY,
  resource TEXT NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  previous INTEGER,
  superseded INTEGER,
  deleted INTEGER NOT NULL DEFAULT 0,
  body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS current_versions ON versions (resource, namespace, name) WHERE superseded IS NULL;
CREATE INDEX IF NOT EXISTS versions_by_name ON versions (resource, namespace, name, revision);
CREATE INDEX IF NOT EXISTS versions_by_resource ON versions (resource, revision);
CREATE INDEX IF NOT EXISTS superseded_versions ON versions (superseded) WHERE superseded IS NOT NULL;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
`;

const sqliteBusy = 5;
const sqliteCorrupt = 11;
const sqliteNotADatabase = 26;

/**
 * Opens the database file below the data directory. The exclusive lock is the operating system's, so it ends with the process
 * however that ends; a commit is on disk when it returns (synchronous=FULL).
 */
export function openDatabase(dataDirectory: string): DatabaseSync {
  const file = join(dataDirectory, 'control-plane.db');
  let database: DatabaseSync | undefined;
  try {
    // SQLite gives the files beside it the mode of this one, so it must be right before they are made.
    closeSync(openSync(file, 'a', 0o600));
    chmodSync(file, 0o600);
    database = new DatabaseSync(file);
    database.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;');
    database.exec(`BEGIN IMMEDIATE; ${tables} COMMIT;`);
    return database;
  } catch (error) {
    database?.close();
    throw explain(error, dataDirectory, file);
  }
}

function explain(error: unknown, dataDirectory: string, file: string): StandaloneError {
  const code = sqliteCode(error);
  if (code === sqliteBusy) {
    return new StandaloneError(
      `another Jouleops control plane is already using the data directory ${dataDirectory}`,
      'Stop the other one, or choose another directory with --data-dir.',
      { cause: error },
    );
  }
  if (code === sqliteCorrupt || code === sqliteNotADatabase) {
    return new StandaloneError(
      `${file} is not a database that this control plane can read`,
      'Restore it from a backup, or choose an empty directory with --data-dir.',
      { cause: error },
    );
  }
  return new StandaloneError(
    `cannot open ${file}: ${toError(error).message}`,
    `Make ${dataDirectory} writable for this user, or choose another directory with --data-dir.`,
    { cause: error },
  );
}

/** SQLite's primary result code of an error thrown by node:sqlite. */
export function sqliteCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}
