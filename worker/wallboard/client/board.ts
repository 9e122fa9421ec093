import type { WatchEvent } from '../../client/index.ts';
import type { PresenceDocument } from '../../protocol/index.ts';

/** What the page knows of the users of its domain, by user. Kept over a lost connection, to be shown as of then. */
export type Board = ReadonlyMap<string, PresenceDocument>;

/**
 * Takes in an event of the watch. A snapshot replaces all. An older version never replaces a newer one (the same version does: it may be `stale`
 * now). What is not known here changes nothing.
 */
export function applyEvent(board: Board, event: WatchEvent): Board {
  switch (event.type) {
    case 'snapshot':
      return new Map(event.users.flatMap(({ user, presence }) => (presence === null ? [] : [[user, presence]])));
    case 'presence': {
      const { user, version } = event.presence;
      const known = board.get(user);
      return known && known.version > version ? board : new Map(board).set(user, event.presence);
    }
    case 'deleted': {
      const users = new Map(board);
      users.delete(event.user);
      return users;
    }
    default:
      return board;
  }
}
