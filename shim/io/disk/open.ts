import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { migrate, SCHEMA_VERSION } from './schema.ts';

export type OpenResult =
  | { readonly ok: true; readonly db: DatabaseSync; readonly notes: readonly string[] }
  /** `in-use`: another process has the file. `unusable`: it cannot be opened or written, or is of a later version. */
  | { readonly ok: false; readonly reason: 'in-use' | 'unusable'; readonly detail: string };

/** Name of the one file in the state folder. */
export const FILE = 'shim.sqlite';

/** SQLite result codes (https://sqlite.org/rescode.html), without their extension. */
const BUSY = 5;
const LOCKED = 6;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;

/** Opens the file of a state folder, made where it is not there; without a folder, a database in memory. A damaged file is moved aside. */
export function openDatabase(folder: string | undefined): OpenResult {
  if (folder === undefined) return { ok: true, db: prepare(':memory:'), notes: [] };
  const path = join(folder, FILE);
  try {
    mkdirSync(folder, { recursive: true });
    return { ok: true, db: prepare(path), notes: [] };
  } catch (error) {
    const code = resultCode(error);
    if (code !== CORRUPT && code !== NOT_A_DATABASE) return failure(error, path);
    try {
      const aside = moveAside(path);
      const note = `${path} is damaged (${(error as Error).message.replace(/\s+/g, ' ')}); it was moved to ${aside}, and the shim starts without its state`;
      return { ok: true, db: prepare(path), notes: [note] };
    } catch (again) {
      return failure(again, path);
    }
  }
}

function failure(error: unknown, path: string): OpenResult {
  const code = resultCode(error);
  if (code === BUSY || code === LOCKED) {
    return {
      ok: false,
      reason: 'in-use',
      detail: `${path} is in use by another process: is a shim running with this state folder?`,
    };
  }
  return { ok: false, reason: 'unusable', detail: `${path} cannot be used: ${(error as Error).message}` };
}

function prepare(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  try {
    // One process alone: two shims on one file would each undo the other's work. The operating system frees the lock after `kill -9`.
    // NORMAL: a commit survives the end of the process without waiting for the disk; a power cut may cost the last ones, never the file.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -4096');
    // Pages of 4 KiB. The outbox uses the same ones again and again: fewer are copied where they wait longer in the WAL.
    db.exec('PRAGMA wal_autocheckpoint = 4000');
    db.exec('BEGIN IMMEDIATE; COMMIT');
    const check = Object.values(db.prepare('PRAGMA quick_check(1)').get() ?? {})[0];
    if (check !== 'ok') throw Object.assign(new Error(String(check)), { errcode: CORRUPT });
    const found = migrate(db);
    if (found > SCHEMA_VERSION) throw new Error(`it was written by a later version (schema ${found}, this is ${SCHEMA_VERSION})`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Keeps the damaged file, in place of one kept before. */
function moveAside(path: string): string {
  const aside = `${path}.damaged`;
  renameSync(path, aside);
  for (const end of ['-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
  return aside;
}

/** SQLite's primary result code of an error; undefined where it is none of SQLite's. */
export function resultCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}
