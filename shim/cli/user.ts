import { mkdirSync } from 'node:fs';
import { canonicalAor, domainOf, isNumber } from '#protocol';
import type { UserSettings } from '../config/user.ts';
import { ha1 } from '../core/auth/digest.ts';
import { ALGORITHMS, hashOf } from '../core/auth/hashes.ts';
import { type UserRow, userLine, usernameOf } from '../core/auth/users.ts';
import { createHashes } from '../io/hashes.ts';
import { UserDatabase } from '../io/users.ts';
import { EXIT, type Terminal } from './terminal.ts';
import type { UserAction } from './user-actions.ts';

/** `offhook user`: keeps users of digest authentication in the state folder, hashes only, or prints them for a user file. */
export async function user(action: UserAction, address: string, settings: UserSettings, terminal: Terminal): Promise<number> {
  const fail = (text: string): number => {
    terminal.err(`offhook user: ${text}\n`);
    return EXIT.failed;
  };
  const open = (): UserDatabase => {
    mkdirSync(settings.stateDir, { recursive: true, mode: 0o700 });
    return UserDatabase.open(settings.stateDir);
  };
  try {
    if (action === 'list') return withDatabase(open(), (database) => list(database, terminal));
    const aor = canonicalAor(address);
    if (aor === undefined || isNumber(aor)) return fail(`${JSON.stringify(address.slice(0, 80))} must be user@domain`);
    if (action === 'remove') {
      const gone = withDatabase(open(), (database) => database.remove(aor));
      return gone ? reloadHint(terminal) : fail(`there is no ${address}`);
    }
    const password = await terminal.input?.(`Password of ${address}: `);
    if (password === undefined || password === '') return fail('a password is needed on standard input');
    const rows = rowsOf(aor, settings.realm ?? domainOf(aor), password);
    if (action === 'lines') {
      terminal.out(rows.map((row) => `${userLine(row)}\n`).join(''));
      return EXIT.ok;
    }
    withDatabase(open(), (database) => database.put(aor, rows));
    return reloadHint(terminal);
  } catch (error) {
    return fail((error as Error).message);
  }
}

/** Hashes by each algorithm, for phones that give the user as their name, and for those that give the whole address. */
function rowsOf(aor: string, realm: string, password: string): UserRow[] {
  const hashes = createHashes();
  // What the phone hashes are the bytes of UTF-8 (RFC 7616 4), as byte strings here.
  const bytes = Buffer.from(password, 'utf8').toString('latin1');
  return ALGORITHMS.flatMap((algorithm) =>
    [false, true].map((withDomain) => {
      const username = usernameOf(aor, withDomain);
      return { aor, realm, algorithm, username, ha1: ha1(hashOf(hashes, algorithm), username, realm, bytes) };
    }),
  );
}

function list(database: UserDatabase, terminal: Terminal): number {
  const users = new Set(database.rows().map(({ aor, realm }) => `${aor.slice('sip:'.length)} realm ${realm}`));
  for (const line of users) terminal.out(`${line}\n`);
  return EXIT.ok;
}

function withDatabase<T>(database: UserDatabase, work: (database: UserDatabase) => T): T {
  try {
    return work(database);
  } finally {
    database.close();
  }
}

function reloadHint(terminal: Terminal): number {
  terminal.err('a shim that runs takes it in at its next start, or when it reads its settings anew (SIGHUP)\n');
  return EXIT.ok;
}
