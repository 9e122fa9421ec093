import type { PresenceDocument, SeenEntry } from './presence.ts';

/** From when to when a document of the past held, and how well it is known. Times are RFC 3339, UTC. */
export interface AsOf {
  /** The time that was asked for. */
  readonly at: string;
  /** When this state began. */
  readonly since: string;
  /** When the next one began; null where it holds still. */
  readonly until: string | null;
  /** When it was written down here: later than `at` where it was learned only afterwards; null where that is not known. */
  readonly recorded: string | null;
  /** There was more than is kept: `terminals` and `calls` are empty, whatever there were. */
  readonly partial?: true;
}

/** What `GET /v1/presence/{user}?at=` answers: the document as it was then. */
export interface PastDocument extends PresenceDocument {
  readonly asOf: AsOf;
}

/** A page of `GET /v1/presence/{user}/history`, newest first. */
export interface HistoryPage {
  readonly entries: readonly SeenEntry[];
  /** The history is whole from then on: the oldest entry that is kept; null where none is. */
  readonly keptSince: string | null;
  /** Where there is more: `cursor` of the next page. */
  readonly cursor?: string;
}
