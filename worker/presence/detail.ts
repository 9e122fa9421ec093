import type {
  CallDocument,
  DetailLevel,
  EndReason,
  HistoryEntry,
  OfflineReason,
  PresenceDocument,
  SeenEntry,
} from '../protocol/index.ts';

/**
 * The part of a document that a token's detail level may see: `full` all of it; `direction` no peer, no media and no Call-ID;
 * `busy-only` the words alone: neither calls nor terminals, nor the note of an override.
 */
export function redact(document: PresenceDocument, detail: DetailLevel): PresenceDocument {
  if (detail === 'full') return document;
  if (detail === 'busy-only') return { ...document, terminals: [], calls: [], override: withoutNote(document.override) };
  return { ...document, calls: document.calls.map(withoutPeer) };
}

/**
 * The part of a history entry that a detail level may see: why a call ended is told in the words of the other side to `full` alone, and to
 * `busy-only` not at all, no more than where it was reported.
 */
export function redactEntry(entry: HistoryEntry, detail: DetailLevel): SeenEntry {
  if (detail === 'busy-only') return wordsOf(entry);
  return entry.reason === undefined ? entry : { ...entry, reason: redactReason(entry.reason, detail) };
}

/** Why something ended: the words of the other side are for `full` alone. */
export function redactReason(reason: OfflineReason | EndReason, detail: DetailLevel): OfflineReason | EndReason {
  if (detail === 'full' || typeof reason !== 'object') return reason;
  const { text: _text, ...rest } = reason;
  return rest;
}

/** Whose word it was: which site reported it, or who set it, is not told to `busy-only`. */
export function redactCause(cause: HistoryEntry['cause'], detail: DetailLevel): SeenEntry['cause'] {
  if (detail !== 'busy-only' || cause.by === 'deadline') return cause;
  return cause.by === 'update' ? { by: cause.by, status: cause.status } : { by: cause.by, activity: cause.activity };
}

/** An entry without where it was reported, by whom it was set, and why. */
function wordsOf({ reason: _reason, cause, ...entry }: HistoryEntry): SeenEntry {
  return { ...entry, cause: redactCause(cause, 'busy-only') };
}

/** An override without what its maker wrote beside it. */
function withoutNote(override: PresenceDocument['override']): PresenceDocument['override'] {
  return override && { activity: override.activity, expires: override.expires };
}

function withoutPeer({ peer: _peer, callId: _callId, ...call }: CallDocument): CallDocument {
  return { ...call, media: [] };
}
