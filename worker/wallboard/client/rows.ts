import type { PresenceDocument, Status } from '../../protocol/index.ts';
import type { Board } from './board.ts';
import { ageWords, callWords, STATUS_WORDS, userName } from './words.ts';

/** What one row of the page shows. */
export interface Row {
  readonly user: string;
  readonly name: string;
  readonly status: Status;
  readonly word: string;
  /** How long it has been so; where that is not known for sure, of when it is: `as of 10:00:00`. */
  readonly age: string;
  /** Old news: shown grey. */
  readonly old: boolean;
  readonly calls: readonly string[];
}

/** What the rows are made by, besides the board. */
export interface View {
  /** ms since 1970 */
  readonly now: number;
  /** When the connection was lost, ms since 1970; undefined while it is there. */
  readonly lostAt: number | undefined;
  /** Time of day for a reader: `10:00:00`. */
  readonly clock: (ms: number) => string;
}

/** A user's row. Nothing is told as a fact of now that is not: not over a lost connection, and not of a site out of touch. */
export function rowOf(presence: PresenceDocument, view: View): Row {
  const asOf = view.lostAt ?? (presence.stale ? Date.parse(presence.staleSince ?? presence.since) : undefined);
  return {
    user: presence.user,
    name: userName(presence.user),
    status: presence.status,
    word: STATUS_WORDS[presence.status] ?? presence.status,
    age: asOf === undefined ? ageWords(view.now - Date.parse(presence.since)) : `as of ${view.clock(asOf)}`,
    old: asOf !== undefined,
    calls: presence.calls.map((call) => callWords(call, asOf === undefined ? view.now : undefined)),
  };
}

/** What the reader wants to see. */
export interface Filter {
  /** Words, each of which must be in the user's name, status or calls; case does not matter. */
  readonly text: string;
  /** Only users of this status. */
  readonly status: Status | undefined;
}

/** Whether a row passes the filter. */
export function passes(row: Row, filter: Filter): boolean {
  if (filter.status !== undefined && row.status !== filter.status) return false;
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const all = [row.user, row.name, row.word, ...row.calls].join('\n').toLowerCase();
  return words.every((word) => all.includes(word));
}

/** How many users have each status; those that nobody has are not there. */
export function countByStatus(board: Board): ReadonlyMap<Status, number> {
  const counts = new Map<Status, number>();
  for (const { status } of board.values()) counts.set(status, (counts.get(status) ?? 0) + 1);
  return counts;
}

/** Users by name, numbers in their order (`line 9` before `line 10`). */
export function compareUsers(a: string, b: string): number {
  return COLLATOR.compare(userName(a), userName(b)) || (a < b ? -1 : a > b ? 1 : 0);
}

const COLLATOR = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
