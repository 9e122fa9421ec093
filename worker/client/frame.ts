import type { WatchFrame } from '../protocol/index.ts';

/** A frame from the text of a message; undefined for what is none that is known here: `pong`, one of a later Worker, what comes of something else. */
export function parseFrame(text: string): WatchFrame | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const frame = JSON.parse(text) as WatchFrame;
    if (typeof frame.cursor !== 'string') return undefined;
    if (frame.type === 'resumed' || frame.type === 'check') return frame;
    if (frame.type === 'deleted' && typeof frame.user === 'string') return frame;
    if (frame.type === 'change' && typeof frame.presence.user === 'string') return frame;
    if (frame.type === 'snapshot' && Array.isArray(frame.users) && frame.users.every(isSeen)) return frame;
  } catch {
    // Of no use, as anything else that is not a frame.
  }
  return undefined;
}

function isSeen(one: { readonly user?: unknown; readonly presence?: unknown } | null): boolean {
  return typeof one?.user === 'string' && typeof one.presence === 'object';
}
