import type { TokenClaims } from '../protocol/index.ts';
import type { Beginning } from './cursor.ts';
import type { OpenedWatch } from './join.ts';
import { openerHeader } from './opener.ts';
import { boardObject, type Places } from './places.ts';
import { close } from './readers.ts';
import { BEGUN, type Begun, MISSED, type WatchQuery, watchUrl } from './watch-query.ts';

/** What is watched, and from where on. */
export interface WatchedBoards extends Pick<WatchQuery, 'detail' | 'until'> {
  /** The boards to ask, in their order, each with the users to watch there (undefined for all). */
  readonly boards: ReadonlyMap<string, readonly string[] | undefined>;
  readonly head: string;
  readonly begin: Beginning;
  /** Whose watch it is, where the boards have to see to it that it ends with the token. */
  readonly claims?: TokenClaims | undefined;
}

/**
 * Opens a watch at all of its boards. Where one of them cannot go on from its mark, all give a snapshot; undefined where one of them has no
 * room. `own`: the socket of a single board becomes the client's, which costs nothing while it is idle.
 */
export async function openBoards(env: Places, watched: WatchedBoards, own = false): Promise<OpenedWatch | undefined> {
  const { boards, begin } = watched;
  const first = await openAll(env, watched, own);
  const anew = begin.marks !== undefined && boards.size > 1 && first?.some(({ begun }) => begun === 'snapshot');
  if (anew) for (const { socket } of first ?? []) discard(socket);
  const opened = anew ? await openAll(env, { ...watched, begin: { reset: 'expired' } }, own) : first;
  if (opened === undefined) return undefined;
  const begun = (['snapshot', 'newest'] as const).find((kind) => opened.some((board) => board.begun === kind)) ?? 'exact';
  return {
    sockets: opened.map(({ socket }) => socket),
    head: watched.head,
    begun,
    missed: opened.reduce((sum, { missed }) => sum + missed, 0),
    marks: begun === 'snapshot' ? undefined : begin.marks,
  };
}

interface OpenedBoard {
  readonly socket: WebSocket;
  readonly begun: Begun;
  readonly missed: number;
}

/** Sockets of all boards, in their order; undefined where one of them has no room. Rejects where one fails. Either way none is left open then. */
async function openAll(env: Places, watched: WatchedBoards, own: boolean): Promise<OpenedBoard[] | undefined> {
  const { boards, begin, detail, until, claims } = watched;
  const head = own && boards.size === 1 ? watched.head : undefined;
  const opened = await Promise.allSettled(
    [...boards].map(([board, users], i) =>
      open(env, board, { users, detail, until, head, since: begin.marks?.[i], reset: begin.reset }, claims),
    ),
  );
  const sockets = opened.flatMap((board) => (board.status === 'fulfilled' && board.value !== undefined ? [board.value] : []));
  if (sockets.length === opened.length) return sockets;
  for (const { socket } of sockets) discard(socket);
  const failed = opened.find((board) => board.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return undefined;
}

async function open(
  env: Places,
  board: string,
  query: WatchQuery,
  claims: TokenClaims | undefined,
): Promise<OpenedBoard | undefined> {
  const { webSocket, headers } = await boardObject(env, board).fetch(watchUrl(query), {
    headers: { upgrade: 'websocket', ...(claims && openerHeader(board, claims)) },
  });
  if (webSocket === null) return undefined;
  return { socket: webSocket, begun: headers.get(BEGUN) as Begun, missed: Number(headers.get(MISSED)) };
}

/** Closes the socket of a board that nobody is to have. */
export function discard(socket: WebSocket): void {
  socket.accept();
  close(socket, 1001, 'not needed');
}
