import { canonicalAor, LIMITS } from '#protocol';
import { domain, type Kind, list, text, toggle, webUrl } from './kind.ts';
import { optional, setting, type Values } from './setting.ts';
import { SHIM_SETTINGS } from './shim.ts';
import { secretRow } from './start.ts';

const aor: Kind<string> = {
  placeholder: '<user@domain>',
  range: '',
  show: (value) => value,
  read(raw) {
    const value = canonicalAor(raw);
    return value === undefined ? { ok: false, expected: 'an address such as alice@example.com' } : { ok: true, value };
  },
};

/** `offhook watch`: where, and whom. */
export const WATCH_SETTINGS = {
  url: setting('Worker', webUrl, 'http://127.0.0.1:8787', 'address of the Worker to watch'),
  user: optional('Worker', list(aor, LIMITS.watchUsers), 'users to watch', { from: 'flag' }),
  domain: optional('Worker', domain, 'domain to watch, all of its users', { from: 'flag' }),
  json: setting('Operation', toggle, false, 'print JSON lines, each with a whole document', { from: 'flag' }),
  token: optional(
    'Worker',
    text('<token>', /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){2}$/, 'an access token of scope read'),
    'access token; without it one is made with the secret, as of the Worker on this machine',
    { from: 'environment' },
  ),
  stateDir: SHIM_SETTINGS.stateDir,
  secret: secretRow,
} as const;

/** What `offhook watch` goes by. */
export type WatchSettings = Values<typeof WATCH_SETTINGS>;
