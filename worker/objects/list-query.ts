import type { ResetReason } from '../protocol/index.ts';
import type { Beginning } from './cursor.ts';
import { MARK_LENGTH } from './mark.ts';
import type { WatchQuery } from './watch-query.ts';

/** What a list server is asked to watch, as the query of the request that opens the socket. */
export interface ListQuery extends Pick<WatchQuery, 'detail' | 'until'> {
  readonly domain: string;
  /** Boards of the domain. */
  readonly shards: number;
  /** What all cursors begin with. */
  readonly head: string;
  readonly begin: Beginning;
}

/** The address at which a list server opens a socket. It is reached from the Worker alone. */
export function listUrl({ domain, shards, detail, until, head, begin }: ListQuery): string {
  const query = new URLSearchParams({ domain, shards: String(shards), detail, head });
  if (until !== null) query.set('until', String(until));
  if (begin.marks !== undefined) query.set('since', begin.marks.join(''));
  else if (begin.reset !== undefined) query.set('reset', begin.reset);
  return `https://list/watch?${query}`;
}

/** The query of such an address. */
export function listQuery({ searchParams }: URL): ListQuery {
  const text = (name: string) => searchParams.get(name) ?? '';
  const until = searchParams.get('until');
  const marks = text('since').match(new RegExp(`.{${MARK_LENGTH}}`, 'g'));
  return {
    domain: text('domain'),
    shards: Number(text('shards')),
    detail: text('detail') as ListQuery['detail'],
    until: until === null ? null : Number(until),
    head: text('head'),
    begin: marks === null ? { reset: (searchParams.get('reset') as ResetReason | null) ?? undefined } : { marks },
  };
}
