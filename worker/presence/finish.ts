import type { HistoryEntry, PresenceDocument } from '../protocol/index.ts';
import { timestamp } from './clock.ts';
import { compose, status } from './compose.ts';
import { evidenceAfter } from './evidence.ts';
import { PRESENCE_LIMITS } from './limits.ts';
import { confirmedCalls, liveTerminals, type PresenceRecord } from './record.ts';

/** A change of the presence document. */
export interface Change {
  readonly document: PresenceDocument;
  /** For the history and for watchers; undefined where only an expiry moved, which neither is told of. */
  readonly entry: HistoryEntry | undefined;
}

/**
 * Completes the record (status, since, implied online, version) and tells what changed in the document. `loud`: watchers are told of an expiry
 * that moved, too.
 */
export function finish(
  before: PresenceRecord,
  taken: PresenceRecord,
  terminalStatus: PresenceRecord['terminalStatus'],
  reportedAt: number,
  now: number,
  entryOf: (document: PresenceDocument, at: string) => HistoryEntry,
  loud = false,
): { record: PresenceRecord; change: Change | undefined } {
  const at = Math.min(now, Math.max(before.since, reportedAt));
  const resolved = { ...taken, terminalStatus };
  const word = status(resolved);
  const record: PresenceRecord = {
    ...resolved,
    impliedUntil: impliedUntil(resolved, at),
    status: word,
    since: word === before.status && before.version > before.floor ? before.since : Math.max(before.since, at),
    version: before.version + 1,
  };
  const old = compose(before);
  const document = compose(record) as PresenceDocument;
  if (old !== undefined && same(old, document)) return { record: { ...record, version: before.version }, change: undefined };
  const entry = entryOf(document, timestamp(at));
  const evidence = evidenceAfter(before.evidence, old, entry);
  const visible = loud || old === undefined || !same(withoutExpiry(old), withoutExpiry(document));
  return { record: { ...record, evidence }, change: { document, entry: visible ? entry : undefined } };
}

/** FIG. 8, step 112, puts a user online without a binding; it is remembered for a bounded time after the last call. */
function impliedUntil(record: PresenceRecord, at: number): number | null {
  if (record.terminalStatus !== 'online' || liveTerminals(record) > 0 || confirmedCalls(record) > 0) return null;
  return record.impliedUntil ?? at + PRESENCE_LIMITS.impliedOnline;
}

function same(a: PresenceDocument, b: PresenceDocument): boolean {
  return JSON.stringify({ ...a, version: 0 }) === JSON.stringify({ ...b, version: 0 });
}

function withoutExpiry(document: PresenceDocument): PresenceDocument {
  const { override } = document;
  return {
    ...document,
    terminals: document.terminals.map((terminal) => ({ ...terminal, expires: null })),
    override: override && { ...override, expires: '' },
  };
}
