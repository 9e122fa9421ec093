import { domainOf } from '../protocol/index.ts';
import { OBJECT_LIMITS } from './limits.ts';
import { wholeNumber } from './variable.ts';

/** The number of boards of a domain, from the variable BOARD_SHARDS: 1 to 64; what is no such number is the default, 4. */
export function shardCount(variable: string | undefined): number {
  return wholeNumber(variable, OBJECT_LIMITS.shardsMax, OBJECT_LIMITS.shardsDefault);
}

/** The number of list servers of a domain, from the variable LIST_SERVERS: 1 to 64; what is no such number is the default, 1. */
export function listServerCount(variable: string | undefined): number {
  return wholeNumber(variable, OBJECT_LIMITS.listServersMax, OBJECT_LIMITS.listServersDefault);
}

const LIST = '#list';

/** The names of all list servers of a domain. */
export function listServersOf(domain: string, servers: number): string[] {
  return Array.from({ length: servers }, (_, n) => `${domain}${LIST}${n}`);
}

/** Whether a name is that of a list server, and not of a board. */
export function isListServer(name: string): boolean {
  return name.includes(LIST);
}

/** The name of the board that lists a user: `domain#shard`. */
export function boardOf(user: string, shards: number): string {
  return `${domainOf(user)}#${hash(user) % shards}`;
}

/** The names of all boards of a domain. */
export function boardsOf(domain: string, shards: number): string[] {
  return Array.from({ length: shards }, (_, shard) => `${domain}#${shard}`);
}

/** FNV-1a, 32 bits: stable across restarts and versions, since boards are found by it. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
