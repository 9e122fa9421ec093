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

/** `offhook token`: the claims of the token to make, and the secret to sign it with. */
export const TOKEN_SETTINGS = {
  scope: setting('Token', list(choice('ingest', 'read', 'write', 'admin'), 4), ['read'], 'what the token may do', flagOnly),
  domain: setting('Token', anyDomain, '*', 'domain whose users the token is good for; * for all', flagOnly),
  detail: setting('Token', choice('busy-only', 'direction', 'full'), 'full', 'how much of a call the token shows', flagOnly),
  expires: setting('Token', duration(60_000, 3650 * DAY), 30 * DAY, 'how long the token is good for', flagOnly),
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
