import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DOMAIN } from './scene.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A file of users who all have that password, made with `offhook user lines` as an administrator would. */
export async function usersFile(users: readonly string[], password: string) {
  const folder = await mkdtemp(join(tmpdir(), 'users-'));
  const lines = await Promise.all(users.map((user) => linesOf(`${user}@${DOMAIN}`, password)));
  const file = join(folder, 'users');
  await writeFile(file, lines.join(''), { mode: 0o600 });
  return { file, remove: () => rm(folder, { recursive: true, force: true }) };
}

function linesOf(address: string, password: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const node = join(ROOT, 'node_modules/.bin/node');
    const child = execFile(node, [join(ROOT, 'shim/offhook.js'), 'user', 'lines', address], (error, stdout, stderr) =>
      error ? reject(new Error(`offhook user lines: ${stderr}`)) : resolve(stdout),
    );
    child.stdin?.end(`${password}\n`);
  });
}
