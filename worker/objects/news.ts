import type { BoardChange } from './board-feed.ts';

/** A change that a board took and that watchers are told, with its place in the board's feed: numbers rise, and none is given twice. */
export interface News extends BoardChange {
  readonly seq: number;
  /** See `Numbered`. */
  readonly occasion?: number;
}

/** That the data of a user were deleted, as watchers are told: news without a document (`text` is empty). */
export function deletionNews(user: string, seq: number): News {
  return { user, version: 0, status: '', text: '', visible: true, seq };
}

/** Who is told of what a board takes. Called in the board's own turn, must not wait for anything, and must not fail. */
export interface NewsSubscriber {
  /**
   * After the commit: what is sent from here leaves the object when it is on disk; watchers and feed before it, where that is safe. `now` is ms
   * since 1970.
   */
  tell(news: readonly News[], now: number): void;
}
