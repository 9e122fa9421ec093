import { address, integer, list, text } from './kind.ts';
import { optional, setting, type Values } from './setting.ts';
import { SHIM_SETTINGS } from './shim.ts';

/** The secret that access tokens are signed with: from the environment, else the one in the state folder. */
const SECRET_PATTERN = /^[!-~]{32,512}$/;
export const secretRow = optional(
  'Token',
  text('<secret>', SECRET_PATTERN, 'at least 32 printable characters without spaces'),
  'secret that access tokens are signed with, instead of the one in the state folder',
  { from: 'environment' },
);

export const previousSecretRow = optional(
  'Token',
  text('<secret>', SECRET_PATTERN, 'at least 32 printable characters without spaces'),
  'secret before this one: tokens that it signed are good as well (docs/tokens.md)',
  { from: 'environment' },
);

const { workerUrl: _workerUrl, token: _token, ...own } = SHIM_SETTINGS;

/** `offhook start`: the shim's settings but for what names the Worker, as it runs a Worker of its own. */
export const START_SETTINGS = {
  ...own,
  httpHost: setting('Addresses', address, '127.0.0.1', 'address that the Worker (REST, WebSocket, wallboard) listens at'),
  httpPort: setting('Addresses', integer(0, 65_535, '<port>'), 8787, 'port that the Worker listens at; 0 takes a free one'),
  secret: secretRow,
  secretPrevious: previousSecretRow,
  workerVars: optional(
    'Operation',
    list(text('<name>=<value>', /^[A-Z][A-Z0-9_]{0,63}=[^,\p{Cc}]{1,512}$/u, 'NAME=value'), 64),
    'variables of the Worker that shall differ from those in its wrangler.toml',
  ),
} as const;

/** What `offhook start` runs by. Times in ms, sizes in bytes. */
export type StartSettings = Values<typeof START_SETTINGS>;

/** What the configuration file may hold: one file serves every command. */
export const FILE_SETTINGS = { ...SHIM_SETTINGS, ...START_SETTINGS } as const;
