import { domain, list, toggle } from './kind.ts';
import { optional, setting, type Values } from './setting.ts';
import { SHIM_SETTINGS } from './shim.ts';

const { talking, terminating, mirrorCap } = SHIM_SETTINGS;

/** `offhook replay FILE`: what a capture is read by. */
export const REPLAY_SETTINGS = {
  domains: optional('Addresses', list(domain, 256), 'domains of the users to tell of; all where none are given'),
  talking,
  terminating,
  mirrorCap,
  json: setting(
    'Presence',
    toggle,
    false,
    'print JSON lines: each report as the Worker would get it, then the users and a summary',
  ),
  registeredOnly: setting(
    'Presence',
    toggle,
    false,
    'tell only of those who register in the file; else whoever calls or answers from a phone is taken for registered',
  ),
} as const;

/** What `offhook replay` runs by. */
export type ReplaySettingsGiven = Values<typeof REPLAY_SETTINGS>;
