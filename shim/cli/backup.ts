import { resolve } from 'node:path';
import type { BackupSettings } from '../config.ts';
import { type BackupResult, backupStore, ownerOf, restoreStore } from '../embedded/backup.ts';
import { lockFile, openState } from './state.ts';
import { EXIT, type Terminal } from './terminal.ts';

/** `offhook backup FOLDER`: copies the store of a self-hosted Worker, which may go on meanwhile. */
export async function backup(folder: string, { stateDir }: BackupSettings, terminal: Terminal): Promise<number> {
  const done = await backupStore(stateDir, resolve(folder), Date.now());
  return told('backup', done, ({ files }) => `${files} databases of ${stateDir} are in ${folder}.`, terminal);
}

/** `offhook restore FOLDER`: puts a backup into a state folder without a store, for its owner. Nothing may run on that. */
export async function restore(folder: string, { stateDir }: BackupSettings, terminal: Terminal): Promise<number> {
  const opened = await openState({ stateDir, noPersistence: false });
  if (!opened.ok) return told('restore', opened, () => '', terminal);
  try {
    const give = await ownerOf(stateDir);
    await give(lockFile(stateDir));
    const done = await restoreStore(resolve(folder), stateDir, give);
    return told('restore', done, ({ files, at }) => `${files} databases of ${at} are in ${stateDir}.`, terminal);
  } finally {
    await opened.state.close();
  }
}

type Done = Extract<BackupResult, { ok: true }>['manifest'];

function told(
  name: string,
  result: BackupResult | { readonly ok: false; readonly text: string },
  words: (manifest: Done) => string,
  terminal: Terminal,
): number {
  if (result.ok) terminal.out(`${words(result.manifest)}\n`);
  else terminal.err(`offhook ${name}: ${result.text}\n`);
  return result.ok ? EXIT.ok : EXIT.failed;
}
