import { type DetailLevel, LIMITS, type ResetReason } from '../protocol/index.ts';
import { MARK_LENGTH, NOWHERE, placeOf } from './mark.ts';

/** The first character of a cursor: its form. */
const FORM = 'A';
/** Characters that tell one watch from another. */
const WATCH_LENGTH = 16;
const HEAD_LENGTH = FORM.length + WATCH_LENGTH;

/** What is watched, as far as a cursor depends on it. */
export interface WatchIdentity {
  /** The boards in their order, each with the users watched there; undefined for all. */
  readonly boards: ReadonlyMap<string, readonly string[] | undefined>;
  readonly detail: DetailLevel;
}

/** Where a watch is to begin: a mark for each board, or anew. */
export type Beginning =
  | { readonly marks: readonly string[]; readonly reset?: undefined }
  | { readonly marks?: undefined; readonly reset: ResetReason | undefined };

/** What all cursors of a watch begin with. Who watches anything else, or sees less or more of it, has another one. */
export async function headOf({ boards, detail }: WatchIdentity): Promise<string> {
  const what = JSON.stringify([detail, [...boards]]);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(what)));
  const text = btoa(String.fromCharCode(...digest.subarray(0, (WATCH_LENGTH * 3) / 4)));
  return FORM + text.replaceAll('+', '-').replaceAll('/', '_');
}

/**
 * Where a watch of that head and so many boards begins that names a cursor; undefined where the text is no cursor. A cursor says what its bearer
 * claims to have seen, and lets nobody see more: what the token does not cover is not told, whatever the cursor says.
 */
export function beginning(cursor: string, head: string, boards: number): Beginning | undefined {
  const rest = cursor.length - HEAD_LENGTH;
  // Nobody can watch users on more boards than users may be named.
  if (rest > LIMITS.watchUsers * MARK_LENGTH) return undefined;
  if (!cursor.startsWith(FORM) || !/^[\w-]*$/.test(cursor) || rest <= 0 || rest % MARK_LENGTH !== 0) return undefined;
  if (!cursor.startsWith(head) || rest !== boards * MARK_LENGTH) return { reset: 'foreign' };
  const marks = Array.from({ length: boards }, (_, i) => cursor.slice(HEAD_LENGTH + i * MARK_LENGTH).slice(0, MARK_LENGTH));
  if (marks.some((mark) => mark === NOWHERE || placeOf(mark) === undefined)) return { reset: 'incomplete' };
  return { marks };
}
