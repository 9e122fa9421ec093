import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The state folder, held by this process alone. */
export interface StateFolder {
  readonly folder: string;
  /** Lets it go; removes it where nothing is to be kept. */
  close(): Promise<void>;
}

export type OpenState = { readonly ok: true; readonly state: StateFolder } | { readonly ok: false; readonly text: string };

/** The file by which a process holds a state folder. */
export const lockFile = (folder: string) => join(folder, 'lock');

/** Opens (and makes) the state folder; without persistence a temporary one, which goes when it is closed. */
export async function openState(settings: { readonly stateDir: string; readonly noPersistence: boolean }): Promise<OpenState> {
  if (settings.noPersistence) {
    const folder = await mkdtemp(join(tmpdir(), 'offhook-'));
    return { ok: true, state: { folder, close: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }) } };
  }
  const folder = settings.stateDir;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const lock = takeLock(lockFile(folder));
    if (lock === undefined) return { ok: false, text: `the state folder ${folder} is in use by another offhook` };
    return { ok: true, state: { folder, close: async () => lock.close() } };
  } catch (error) {
    return { ok: false, text: `the state folder ${folder} cannot be used: ${(error as Error).message}` };
  }
}

/**
 * Two processes on one folder would write into each other's databases. SQLite's lock is taken on an empty database, as the
 * system drops it with the process, however that ends: no stale lock can be left.
 */
function takeLock(file: string): DatabaseSync | undefined {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    // SQLITE_BUSY: https://www.sqlite.org/rescode.html#busy
    if ((error as { errcode?: number }).errcode === 5) return undefined;
    throw error;
  }
}
