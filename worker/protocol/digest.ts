import { LIMITS } from './limits.ts';
import type { CallReport, TerminalReport } from './update.ts';

/** What both halves know of a terminal, by the same words. Times are left out: the Worker corrects them, and they are told as they move. */
export type HeldTerminal = Pick<TerminalReport, 'contact' | 'address' | 'type' | 'userAgent'>;

/** What both halves know of a call. `callId` and `peer` are there wherever nothing is left out for the reader's sake. */
export type HeldCall = Pick<CallReport, 'id' | 'direction' | 'state' | 'held' | 'media' | 'session'> &
  Partial<Pick<CallReport, 'callId' | 'peer'>>;

/** What a site holds of one user. */
export interface Held {
  readonly terminals: readonly HeldTerminal[];
  readonly calls: readonly HeldCall[];
}

/**
 * The digest of what a site holds of one user: 16 hexadecimal digits, the same in both halves for the same terminals and calls in any
 * order. It finds differences, and is no protection against anybody: whoever could bend it could as well post updates.
 */
export function digestOf({ terminals, calls }: Held): string {
  const parts = [
    terminals
      .slice(0, LIMITS.terminals)
      .map(({ contact, address, type, userAgent }) => [contact, shown(address), type ?? '', shown(userAgent)])
      .sort(byFirst),
    calls
      .slice(0, LIMITS.calls)
      .map(({ id, callId, direction, state, held, peer, media, session }) => [
        ...[id, callId ?? '', direction, state, String(held), session, peer?.uri ?? '', shown(peer?.name)],
        ...media.slice(0, LIMITS.media).flatMap((line) => [shown(line.type), shown(line.codec), line.direction ?? '']),
      ])
      .sort(byFirst),
  ];
  return hash(JSON.stringify(parts));
}

/** In which of `LIMITS.reconcileBuckets` buckets a user is: what is compared at a time is a range of them. */
export function bucketOf(user: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < user.length; i++) value = Math.imul(value ^ user.charCodeAt(i), 0x01000193);
  return ((value ^ (value >>> 15)) >>> 0) % LIMITS.reconcileBuckets;
}

/** As the Worker cuts what is only shown. */
function shown(text: string | undefined): string {
  return (text ?? '').slice(0, LIMITS.fieldLength).toWellFormed();
}

function byFirst(a: readonly string[], b: readonly string[]): number {
  return (a[0] as string) < (b[0] as string) ? -1 : 1;
}

/** 64 bits, by two multiplicative hashes that are mixed at the end. */
function hash(text: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x9e3779b1);
    b = Math.imul(b ^ code, 0x5f356495);
  }
  const one = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  const two = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return hex(one) + hex(two);
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
