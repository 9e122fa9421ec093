import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export type Secret = { readonly ok: true; readonly secret: string } | { readonly ok: false; readonly text: string };

/** Bytes of chance in a secret that is made here. */
const SECRET_BYTES = 48;

const SECRET = /^[!-~]{32,512}$/;

/** The file in the state folder that holds the secret. */
export const secretFile = (stateDir: string) => join(stateDir, 'secret');

/** The secret of a state folder, if it has one. */
export async function readSecret(stateDir: string): Promise<Secret> {
  const file = secretFile(stateDir);
  try {
    const secret = (await readFile(file, 'utf8')).trim();
    if (!SECRET.test(secret)) return { ok: false, text: `${file} does not hold a secret of 32 characters or more` };
    return { ok: true, secret };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return {
      ok: false,
      text: missing ? `there is no secret in ${stateDir} (made when the Worker first starts there)` : (error as Error).message,
    };
  }
}

/** The secret before, in `secret-previous` of the state folder: tokens that it signed are good as well. Undefined where there is none. */
export async function previousSecret(stateDir: string): Promise<string | undefined> {
  const text = await readFile(`${secretFile(stateDir)}-previous`, 'utf8').catch(() => '');
  return SECRET.test(text.trim()) ? text.trim() : undefined;
}

/** The secret of a state folder; made at the first time, readable by its owner alone. Never overwritten. */
export async function ownSecret(stateDir: string): Promise<Secret> {
  const file = secretFile(stateDir);
  try {
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(`${makeSecret()}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return { ok: false, text: (error as Error).message };
    await chmod(file, 0o600).catch(() => {});
  }
  return readSecret(stateDir);
}

/** A secret of 384 bits of chance. */
export function makeSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}
