import type { SHIM_SETTINGS } from './shim.ts';
import type { START_SETTINGS } from './start.ts';

type Key = keyof typeof SHIM_SETTINGS | keyof typeof START_SETTINGS;

/** Settings that take effect at a reload (SIGHUP). All others need a restart, as sockets, files or what is kept are made by them. */
export const LIVE: ReadonlySet<string> = new Set<Key>([
  'domains',
  'upstream',
  'aliases',
  'numbers',
  'routes',
  'trustedPeers',
  'usersFile',
  'inbound',
  'realm',
  'sourceRate',
  'sourceBurst',
  'registerRate',
  'registerBurst',
  'sourceCalls',
  'sourceBindings',
  'sourceConnections',
  'scanners',
  'allow',
  'banAfter',
  'banWindow',
  'banTime',
  'banMax',
  'logLevel',
  'logFormat',
  'logCallId',
  'logRedact',
  'logBurst',
  'drainTimeout',
  'onStop',
  'healthOutboxAge',
  'talking',
  'terminating',
  'minExpires',
  'defaultExpires',
  'maxExpires',
  'bindingsPerUser',
  'maxBindings',
  'maxDialogs',
  'dialogCap',
  'sessionRules',
  'maxBranches',
  'serverTries',
  'serverAvoid',
  'maxBreadth',
  'recurse',
  'timerC',
  't1',
  't2',
  't4',
  'tlsCertificate',
  'tlsKey',
  'tlsCertificates',
  'tlsCa',
  'tlsVerify',
  'maxTransactions',
]);

/** What is different between two readings: what takes effect at once, and what only at the next start. Names as they stand in the table. */
export interface Changes {
  readonly live: readonly string[];
  readonly restart: readonly string[];
}

export function changesOf(before: object, after: object): Changes {
  const [old, next] = [before as Record<string, unknown>, after as Record<string, unknown>];
  const changed = Object.keys(next).filter((key) => JSON.stringify(old[key]) !== JSON.stringify(next[key]));
  return { live: changed.filter((key) => LIVE.has(key)), restart: changed.filter((key) => !LIVE.has(key)) };
}

/** The settings to go on by: `before`, with what may change at once taken from `after`. */
export function reloaded<T extends object>(before: T, after: T): T {
  const live = changesOf(before, after).live as (keyof T)[];
  return { ...before, ...Object.fromEntries(live.map((key) => [key, after[key]])) };
}
