import { randomUUID } from 'node:crypto';
import type { TokenSettings } from '../config.ts';
import { readSecret } from '../embedded/secret.ts';
import { makeToken } from './make-token.ts';
import { EXIT, type Terminal } from './terminal.ts';

/** `offhook token`: the token on standard output, what it is good for on standard error. */
export async function token(settings: TokenSettings, terminal: Terminal): Promise<number> {
  const secret =
    settings.secret === undefined ? await readSecret(settings.stateDir) : { ok: true as const, secret: settings.secret };
  if (!secret.ok) {
    terminal.err(`offhook token: ${secret.text}; set OFFHOOK_SECRET to the Worker's secret, or --state-dir\n`);
    return EXIT.failed;
  }
  const now = Date.now();
  terminal.out(`${await makeToken(settings, secret.secret, now, randomUUID())}\n`);
  const until = new Date(now + settings.expires).toISOString();
  const site = settings.site === undefined ? '' : `, site ${settings.site}`;
  terminal.err(
    `scope ${settings.scope.join(',')}, domain ${settings.domain}, detail ${settings.detail}${site}, good until ${until}\n`,
  );
  return EXIT.ok;
}
