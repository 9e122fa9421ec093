import { canonicalAor, TOKEN_LIMITS } from '#protocol';
import { choice, domain, duration, type Kind, list, text } from './kind.ts';
import { optional, setting, type Values } from './setting.ts';
import { SHIM_SETTINGS, siteName } from './shim.ts';
import { secretRow } from './start.ts';

const DAY = 86_400_000;
const flagOnly = { from: 'flag' } as const;

const anyDomain: Kind<string> = {
  ...domain,
  placeholder: '<domain|*>',
  read: (raw) => (raw === '*' ? { ok: true, value: raw } : domain.read(raw)),
};

const lifetime = duration(60_000, 3650 * DAY);

/** A user, held in canonical form. */
const aor: Kind<string> = {
  placeholder: '<user>',
  range: 'such as alice@example.com',
  show: (value) => value.replace(/^sip:/, ''),
  read(raw) {
    const value = canonicalAor(raw);
    return value === undefined ? { ok: false, expected: 'an address such as alice@example.com' } : { ok: true, value };
  },
};

/** `offhook token`: the claims of the token to make, and the secret to sign it with. */
export const TOKEN_SETTINGS = {
  scope: setting(
    'Token',
    list(choice('ingest', 'read', 'write', 'metrics', 'admin'), 5),
    ['read'],
    'what the token may do',
    flagOnly,
  ),
  domain: setting(
    'Token',
    list(anyDomain, TOKEN_LIMITS.domains),
    ['*'],
    'domains whose users the token is good for; * for all',
    flagOnly,
  ),
  user: optional('Token', list(aor, TOKEN_LIMITS.users), 'the only users that the token is good for', flagOnly),
  detail: setting('Token', choice('busy-only', 'direction', 'full'), 'full', 'how much of a call the token shows', flagOnly),
  expires: setting('Token', lifetime, 30 * DAY, 'how long the token is good for', flagOnly),
  expiresIn: optional('Token', lifetime, 'the same as `--expires`, and before it', flagOnly),
  site: optional('Token', siteName, 'the only site that the token may report for (scope ingest)', flagOnly),
  subject: optional(
    'Token',
    text('<name>', /^[^\p{Cc}]{1,128}$/u, '1 to 128 characters'),
    'who the token is for; told in logs, never checked',
    flagOnly,
  ),
  stateDir: SHIM_SETTINGS.stateDir,
  secret: secretRow,
} as const;

/** What `offhook token` makes a token of. */
export type TokenSettings = Values<typeof TOKEN_SETTINGS>;
