import type { CallDocument, DetailLevel, HistoryEntry, PresenceDocument, SeenEntry } from '../protocol/index.ts';

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
  if (detail === 'full') return entry;
  if (detail === 'busy-only') return wordsOf(entry);
  if (typeof entry.reason !== 'object') return entry;
  const { text: _text, ...reason } = entry.reason;
  return { ...entry, reason };
}

/** An entry without where it was reported, by whom it was set, and why. */
function wordsOf({ reason: _reason, cause, ...entry }: HistoryEntry): SeenEntry {
  if (cause.by === 'update') return { ...entry, cause: { by: cause.by, status: cause.status } };
  if (cause.by === 'override') return { ...entry, cause: { by: cause.by, activity: cause.activity } };
  return { ...entry, cause };
}

/** An override without what its maker wrote beside it. */
function withoutNote(override: PresenceDocument['override']): PresenceDocument['override'] {
  return override && { activity: override.activity, expires: override.expires };
}

function withoutPeer({ peer: _peer, callId: _callId, ...call }: CallDocument): CallDocument {
  return { ...call, media: [] };
}
