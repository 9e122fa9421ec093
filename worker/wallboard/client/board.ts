import type { PresenceDocument, WatchFrame } from '../../protocol/index.ts';

/** What the page knows of the users of its domain. */
export interface Board {
  /** By user. Kept over a lost connection, to be shown as of then. */
  readonly users: ReadonlyMap<string, Entry>;
  /** Which connection is talking, from 1. */
  readonly generation: number;
  /** Whether this connection's snapshot is complete, or it went on where the one before it ended. */
  readonly complete: boolean;
  /** After which frame a connection can go on; undefined before the first. */
  readonly cursor?: string;
}

export interface Entry {
  readonly presence: PresenceDocument;
  /** The connection that told it last. */
  readonly generation: number;
}

export const EMPTY_BOARD: Board = { users: new Map(), generation: 0, complete: false };

/** A new connection: what was known stays until its snapshot is complete, and for good where it goes on. */
export function connected(board: Board): Board {
  return { ...board, generation: board.generation + 1, complete: false };
}

/**
 * Takes in a frame. Within one connection an older version never replaces a newer one (the same version does: it may be `stale` now); of an earlier connection anything is
 * replaced. With the last frame of a snapshot go the users that this connection has not told of.
 */
export function applyFrame(board: Board, frame: WatchFrame): Board {
  return { ...applied(board, frame), cursor: frame.cursor };
}

function applied(board: Board, frame: WatchFrame): Board {
  if (frame.type === 'check') return board;
  if (frame.type === 'resumed') {
    const known = [...board.users].map(([user, entry]) => [user, { ...entry, generation: board.generation }] as const);
    return { ...board, users: new Map(known), complete: true };
  }
  const users = new Map(board.users);
  const put = (presence: PresenceDocument) => {
    const entry = users.get(presence.user);
    if (entry && entry.generation === board.generation && entry.presence.version > presence.version) return;
    users.set(presence.user, { presence, generation: board.generation });
  };
  if (frame.type === 'deleted') {
    users.delete(frame.user);
    return { ...board, users };
  }
  if (frame.type === 'change') {
    put(frame.presence);
    return { ...board, users };
  }
  for (const { presence } of frame.users) if (presence) put(presence);
  if (frame.more) return { ...board, users };
  for (const [user, entry] of users) if (entry.generation !== board.generation) users.delete(user);
  return { ...board, users, complete: true };
}

/** A frame from the text of a WebSocket message; undefined where it is none that this page knows. */
export function parseFrame(text: string): WatchFrame | undefined {
  try {
    const frame = JSON.parse(text) as WatchFrame;
    if (typeof frame.cursor !== 'string') return undefined;
    if (frame.type === 'resumed' || frame.type === 'check') return frame;
    if (frame.type === 'deleted' && typeof frame.user === 'string') return frame;
    if (frame.type === 'change' && typeof frame.presence.user === 'string') return frame;
    if (frame.type === 'snapshot' && Array.isArray(frame.users)) return frame;
  } catch {
    // Of no use, as anything else that is not a frame.
  }
  return undefined;
}
