import { domainOf } from '../protocol/index.ts';
import { OBJECT_LIMITS } from './limits.ts';

/** The number of boards of a domain, from the variable BOARD_SHARDS: 1 to 64; what is no such number is the default, 4. */
export function shardCount(variable: string | undefined): number {
  const count = Number(variable);
  const valid = Number.isInteger(count) && count >= 1 && count <= OBJECT_LIMITS.shardsMax;
  return valid ? count : OBJECT_LIMITS.shardsDefault;
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
