import { randomUUID } from 'node:crypto';
import { domainOf } from '#protocol';
import type { TokenSettings } from '../config.ts';
import { readSecret } from '../embedded/secret.ts';
import { makeToken } from './make-token.ts';
import { EXIT, type Terminal } from './terminal.ts';

/** `offhook token`: the token on standard output, what it is good for and its `jti` on standard error. */
export async function token(settings: TokenSettings, terminal: Terminal): Promise<number> {
  const { scope, domain, user: users, detail, site, expiresIn: expires = settings.expires, subject } = settings;
  const outside = users?.find((user) => !domain.includes('*') && !domain.includes(domainOf(user)));
  if (outside !== undefined) return fail(terminal, `${outside} is of none of the domains ${domain.join(', ')}`);
  const secret =
    settings.secret === undefined ? await readSecret(settings.stateDir) : { ok: true as const, secret: settings.secret };
  if (!secret.ok) return fail(terminal, `${secret.text}; set OFFHOOK_SECRET to the Worker's secret, or --state-dir`);
  const now = Date.now();
  const id = randomUUID();
  terminal.out(`${await makeToken({ scope, domain, users, detail, site, subject, expires }, secret.secret, now, id)}\n`);
  const parts = [
    `scope ${scope.join(',')}`,
    `domain ${domain.join(',')}`,
    ...(users === undefined ? [] : [`users ${users.join(',')}`]),
    `detail ${detail}`,
    ...(site === undefined ? [] : [`site ${site}`]),
    `good until ${new Date(now + expires).toISOString()}`,
    `jti ${id}`,
  ];
  terminal.err(`${parts.join(', ')}\n`);
  return EXIT.ok;
}

function fail(terminal: Terminal, text: string): number {
  terminal.err(`offhook token: ${text}\n`);
  return EXIT.failed;
}
