import type { CallDocument, DetailLevel, PresenceDocument } from '../protocol/index.ts';

/**
 * The part of a document that a token's detail level may see: `full` all of it; `direction` no peer, no media and no Call-ID;
 * `busy-only` neither calls nor terminals.
 */
export function redact(document: PresenceDocument, detail: DetailLevel): PresenceDocument {
  if (detail === 'full') return document;
  if (detail === 'busy-only') return { ...document, terminals: [], calls: [] };
  return { ...document, calls: document.calls.map(withoutPeer) };
}

function withoutPeer({ peer: _peer, callId: _callId, ...call }: CallDocument): CallDocument {
  return { ...call, media: [] };
}
