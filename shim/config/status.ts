import { toggle } from './kind.ts';
import { setting, type Values } from './setting.ts';
import { SHIM_SETTINGS } from './shim.ts';

const { config, stateDir, adminHost, adminPort } = SHIM_SETTINGS;

/** `offhook status`: where the shim is asked, and how its answer is shown. */
export const STATUS_SETTINGS = {
  config,
  stateDir,
  adminHost,
  adminPort,
  json: setting('Operation', toggle, false, 'the whole status as JSON, with all counters', { from: 'flag' }),
} as const;

/** What `offhook status` goes by. */
export type StatusSettings = Values<typeof STATUS_SETTINGS>;
