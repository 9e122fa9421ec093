import type { BoardStore, Listed } from './board-store.ts';
import type { Feed, Missed } from './feed.ts';
import { newsFrame, redactText, resumedFrame, type SnapshotUser, snapshotFrame } from './frames.ts';
import { OBJECT_LIMITS } from './limits.ts';
import { NOWHERE } from './mark.ts';
import type { Begun, WatchQuery } from './watch-query.ts';

/** What a new watcher is told first. */
export interface Greeting {
  readonly begun: Begun;
  /** How much of it is changes that were missed, characters. */
  readonly missed: number;
  readonly frames: Iterable<string>;
}

/** What a watcher missed since its cursor, or where that cannot be told, or it has none, a snapshot. */
export function greeting(store: BoardStore, feed: Feed, query: WatchQuery): Greeting {
  const missed = query.since === undefined ? undefined : feed.since(query.since, query.users);
  if (missed !== undefined) {
    const frames = [...resumed(feed, missed, query)];
    return { begun: missed.exact ? 'exact' : 'newest', missed: frames.reduce((sum, { length }) => sum + length, 0), frames };
  }
  return { begun: 'snapshot', missed: 0, frames: snapshot(store, feed.mark, query) };
}

/**
 * What was missed. Each frame is a place to go on from, also where it is the newest of several changes: who changed later comes later. Of
 * several with one number (see `changedSince`) the last alone stands for that number.
 */
function* resumed(feed: Feed, { exact, changes }: Missed, { since, head, detail }: WatchQuery): Generator<string> {
  // Whoever joins boards tells this once for all of them.
  if (head !== undefined) yield resumedFrame(exact, head + since);
  for (const [i, { user, text, seq }] of changes.entries()) {
    const told = changes[i + 1]?.seq === seq ? seq - 1 : seq;
    yield newsFrame(user, redactText(text, detail), (head ?? '') + feed.markAt(told));
  }
}

function* snapshot(store: BoardStore, mark: string, { users, detail, head = '', since, reset }: WatchQuery): Generator<string> {
  const why = reset ?? (since === undefined ? undefined : 'expired');
  let frame: SnapshotUser[] = [];
  let size = 0;
  for (const { user, text } of users === undefined ? everybody(store) : named(store, users)) {
    const seen = text === undefined ? undefined : redactText(text, detail);
    size += seen?.length ?? 0;
    if (frame.length === OBJECT_LIMITS.snapshotUsers || (frame.length > 0 && size > OBJECT_LIMITS.snapshotText)) {
      yield snapshotFrame(frame, true, head + NOWHERE, why);
      frame = [];
      size = seen?.length ?? 0;
    }
    frame.push({ user, text: seen });
  }
  yield snapshotFrame(frame, false, head + mark, why);
}

function* named(store: BoardStore, users: readonly string[]): Generator<SnapshotUser> {
  for (const user of users) yield { user, text: store.get(user) };
}

/** All users of a board, a page in memory at a time. */
function* everybody(store: BoardStore): Generator<SnapshotUser> {
  for (let after = ''; ; ) {
    const page = store.list(after, OBJECT_LIMITS.snapshotUsers);
    yield* page;
    if (page.length < OBJECT_LIMITS.snapshotUsers) return;
    after = (page.at(-1) as Listed).user;
  }
}
