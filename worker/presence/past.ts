import type { AsOf, HistoryEntry, PastDocument, PresenceDocument } from '../protocol/index.ts';
import { timestamp } from './clock.ts';
import { compose } from './compose.ts';
import type { Change } from './finish.ts';
import { PRESENCE_LIMITS } from './limits.ts';
import type { PresenceRecord } from './record.ts';

/** What an entry of the history keeps of the document that it tells of, besides its own words. */
type Rest = Pick<PresenceDocument, 'since' | 'terminals' | 'calls' | 'override'>;

/** A row of the history: the entry, and what is needed to give back the document. */
export interface Kept extends HistoryEntry {
  /** Absent where an earlier program wrote the row, and where the document was too long to be kept. */
  readonly document?: Rest;
}

/** What is to be kept of a change at `now` (ms since 1970); undefined where it is not one for the history. */
export function kept({ entry, document }: Change, now: number): Kept | undefined {
  if (entry === undefined) return undefined;
  const { since, terminals, calls, override } = document;
  const row: Kept = { ...entry, recorded: timestamp(now) };
  const rest: Rest = { since, terminals, calls, override };
  return JSON.stringify(rest).length > PRESENCE_LIMITS.historyDocument ? row : { ...row, document: rest };
}

/**
 * The document of `user` as it was at `at` (ms since 1970) by the row that held then; `until` is when the next one began. The history tells of
 * changes and not of refreshes: an expiry that had passed by then had been moved, to a time that is not known.
 */
function pastDocument(user: string, row: Kept, at: number, until: string | null): PastDocument {
  const { version, status, terminalStatus, callStatus, document } = row;
  const asOf: AsOf = {
    at: timestamp(at),
    since: row.at,
    until,
    recorded: row.recorded ?? null,
    ...(document === undefined ? { partial: true } : {}),
  };
  return {
    user,
    status,
    terminalStatus,
    callStatus,
    stale: false,
    since: document?.since ?? row.at,
    terminals: (document?.terminals ?? []).map((terminal) => ({ ...terminal, expires: unpassed(terminal.expires, asOf.at) })),
    calls: document?.calls ?? [],
    override: document?.override ?? null,
    version,
    asOf,
  };
}

/** The document of a time, or why there is none: the user was seen only later, or what was then is kept no more. `earliest`: what can be told. */
export type PastStep =
  | { readonly ok: true; readonly document: PastDocument }
  | { readonly ok: false; readonly reason: 'not-seen-yet' | 'not-kept'; readonly earliest: string };

/** What is kept that tells of a time: the row that held then, when the next one began, and the oldest that is kept. */
export interface Held {
  readonly row: Kept | undefined;
  readonly until: string | null;
  readonly oldest: { readonly version: number; readonly at: string } | null;
}

/** The document as it was at `at` (ms since 1970). `reach`: the history holds nothing that is older. */
export function past(record: PresenceRecord, { row, until, oldest }: Held, at: number, reach: number): PastStep {
  if (row !== undefined) return { ok: true, document: pastDocument(record.user, row, at, until) };
  if (oldest === null) {
    // Every change is older than what is kept, so what is now was so all the time that the history reaches back.
    const document = compose(record) as PresenceDocument;
    if (at >= reach) return { ok: true, document: presentDocument(document, at, timestamp(reach)) };
    return { ok: false, reason: 'not-kept', earliest: timestamp(reach) };
  }
  const first = oldest.version === record.floor + 1;
  return { ok: false, reason: first ? 'not-seen-yet' : 'not-kept', earliest: oldest.at };
}

/** The present as a document of the past. */
function presentDocument(document: PresenceDocument, at: number, since: string): PastDocument {
  return { ...document, asOf: { at: timestamp(at), since, until: null, recorded: null } };
}

/** `at` and `expires` are both of the form that `timestamp` gives, so they compare as text. */
function unpassed(expires: string | null, at: string): string | null {
  return expires !== null && expires > at ? expires : null;
}
