import { existsSync } from 'node:fs';
import { chmod, chown, copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';

/** What a backup says of itself, in `backup.json`: written last, so a folder without it is no whole backup. */
export interface Manifest {
  readonly format: 1;
  /** When it was made, RFC 3339. */
  readonly at: string;
  /** Databases in it. */
  readonly files: number;
}

export type BackupResult = { readonly ok: true; readonly manifest: Manifest } | { readonly ok: false; readonly text: string };

/** The objects' storage in a state folder. */
const STORAGE = join('worker', 'storage');
/** Of the state folder besides: the secrets that tokens are signed with, the users' password hashes. */
const OTHERS = ['secret', 'secret-previous', 'users.sqlite'];
const MANIFEST = 'backup.json';
/** The class whose objects are copied last: a board may be behind a user and is told again, but must never be ahead. */
const LAST = 'offhook-User';
/** The class of the sites: after a restore each is asked to compare what it holds with what came back. */
const SITES = 'offhook-Site';
/** Where workerd keeps the alarms of a class: after its objects, as one that fires too early does no harm. */
const ALARMS = 'metadata.sqlite';

/** Copies the store of a state folder, whether or not it is in use meanwhile: each database as it is at one instant. `now` is ms since 1970. */
export async function backupStore(stateDir: string, to: string, now: number): Promise<BackupResult> {
  const storage = join(stateDir, STORAGE);
  if (!existsSync(storage)) return { ok: false, text: `${stateDir} holds no store of a Worker` };
  if (existsSync(to)) return { ok: false, text: `${to} is there already` };
  const partial = `${to}.partial`;
  try {
    await rm(partial, { recursive: true, force: true });
    const files = (await databases(storage)).toSorted((a, b) => rank(a) - rank(b));
    for (const file of files) await copyDatabase(join(storage, file), join(partial, STORAGE, file));
    for (const name of OTHERS) {
      if (!existsSync(join(stateDir, name))) continue;
      if (name.endsWith('.sqlite')) await copyDatabase(join(stateDir, name), join(partial, name));
      else await copyFile(join(stateDir, name), join(partial, name));
      await chmod(join(partial, name), 0o600);
    }
    const manifest: Manifest = { format: 1, at: new Date(now).toISOString(), files: files.length };
    await writeFile(join(partial, MANIFEST), `${JSON.stringify(manifest)}\n`);
    await rename(partial, to);
    return { ok: true, manifest };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    return { ok: false, text: (error as Error).message };
  }
}

/** Gives a file or folder to whom it shall belong. */
export type Give = (path: string) => Promise<void>;

/**
 * To whom what is restored is given: root gives it to the owner of the state folder, whose service could not read it otherwise. Anybody else
 * owns what they make.
 */
export async function ownerOf(stateDir: string): Promise<Give> {
  if (process.getuid?.() !== 0) return async () => {};
  const { uid, gid } = await stat(stateDir);
  return (path) => chown(path, uid, gid);
}

/** Puts a backup into a state folder that holds no store, and that nothing runs on (the caller holds its lock). */
export async function restoreStore(from: string, stateDir: string, give: Give): Promise<BackupResult> {
  const manifest = await readManifest(from);
  if (!manifest.ok) return manifest;
  if (existsSync(join(stateDir, STORAGE))) {
    return { ok: false, text: `${join(stateDir, STORAGE)} is there already: move it away first` };
  }
  const files = await databases(join(from, STORAGE));
  if (files.length !== manifest.manifest.files) {
    return { ok: false, text: `${from} holds ${files.length} databases instead of ${manifest.manifest.files}` };
  }
  const partial = join(stateDir, `${STORAGE}.partial`);
  try {
    await rm(partial, { recursive: true, force: true });
    const folders = new Set(files.map((file) => dirname(file)));
    for (const folder of ['', ...folders]) await mkdir(join(partial, folder), { recursive: true, mode: 0o700 });
    for (const file of files) await copyFile(join(from, STORAGE, file), join(partial, file));
    const sites = files.filter((file) => file.startsWith(SITES) && !file.endsWith(ALARMS));
    for (const file of sites) compareAnew(join(partial, file));
    const others = OTHERS.filter((name) => existsSync(join(from, name)));
    for (const name of others) {
      await copyFile(join(from, name), join(stateDir, name));
      await chmod(join(stateDir, name), 0o600);
    }
    const made = [dirname(partial), partial, ...[...folders, ...files].map((name) => join(partial, name))];
    for (const path of [...made, ...others.map((name) => join(stateDir, name))]) await give(path);
    await rename(partial, join(stateDir, STORAGE));
    return manifest;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    return { ok: false, text: (error as Error).message };
  }
}

async function readManifest(from: string): Promise<BackupResult> {
  try {
    const manifest = JSON.parse(await readFile(join(from, MANIFEST), 'utf8')) as Partial<Manifest>;
    if (manifest.format === 1 && typeof manifest.files === 'number') return { ok: true, manifest: manifest as Manifest };
    return { ok: false, text: `${join(from, MANIFEST)}: a format that is not known here` };
  } catch {
    return { ok: false, text: `${from} is no whole backup: it has no ${MANIFEST}` };
  }
}

function rank(file: string): number {
  return (file.startsWith(LAST) ? 2 : 0) + (file.endsWith(ALARMS) ? 1 : 0);
}

/** SQLite's own online backup: writers go on, and what comes out has no log beside it. */
async function copyDatabase(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(from, { readOnly: true });
  try {
    await backup(database, to);
  } finally {
    database.close();
  }
}

/**
 * A site has told more than the backup has, and knows nothing of the restore: it is to compare all that it holds, as one that was out of touch
 * (`Lease`). One that names no incarnation is never asked to, and one that has left holds nothing.
 */
function compareAnew(file: string): void {
  const database = new DatabaseSync(file);
  try {
    const [lease] = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'lease'").all();
    if (lease !== undefined) database.exec('UPDATE lease SET reconciled = 0, round = round + 1 WHERE epoch > 0 AND stopped = 0');
  } finally {
    database.close();
  }
}

/** Paths of the databases below a folder, relative to it. */
async function databases(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  const found: string[] = [];
  for (const name of names.filter((name) => name.endsWith('.sqlite'))) {
    if ((await stat(join(folder, name))).isFile()) found.push(relative('.', name));
  }
  return found;
}
