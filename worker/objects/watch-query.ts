import type { DetailLevel, ResetReason } from '../protocol/index.ts';

/** What a board is asked to watch, as the query of the request that opens the socket. */
export interface WatchQuery {
  /** Users of this board; undefined for all of them. */
  readonly users: readonly string[] | undefined;
  readonly detail: DetailLevel;
  /** When the token ends, ms since 1970; null where it does not. */
  readonly until: number | null;
  /** Where the socket is the client's own: what stands before the board's mark in a cursor. Otherwise whoever joins boards sees to cursors. */
  readonly head: string | undefined;
  /** The mark after which the watcher wants to go on. */
  readonly since: string | undefined;
  /** Why it cannot, though it asked to. */
  readonly reset: ResetReason | undefined;
}

/** What a board begins with: every change that was missed, the newest of each user, or a snapshot. */
export type Begun = 'exact' | 'newest' | 'snapshot';

/** Headers of a board's answer: what it begins with, and how much was missed, characters. */
export const BEGUN = 'offhook-begun';
export const MISSED = 'offhook-missed';

/** The address at which a board opens a socket. It is reached from the Worker alone. */
export function watchUrl({ users, ...rest }: WatchQuery): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(rest)) if (value !== undefined && value !== null) query.set(name, String(value));
  if (users === undefined) query.set('all', '1');
  for (const user of users ?? []) query.append('user', user);
  return `https://board/watch?${query}`;
}

/** The query of such an address. */
export function watchQuery({ searchParams }: URL): WatchQuery {
  const until = searchParams.get('until');
  return {
    users: searchParams.has('all') ? undefined : searchParams.getAll('user'),
    detail: searchParams.get('detail') as DetailLevel,
    until: until === null ? null : Number(until),
    head: searchParams.get('head') ?? undefined,
    since: searchParams.get('since') ?? undefined,
    reset: (searchParams.get('reset') as ResetReason | null) ?? undefined,
  };
}
