import type { PresenceDocument } from '../protocol/index.ts';
import { timestamp } from './clock.ts';

/** Since when a site is out of touch, ms since 1970; undefined while it is in touch. */
export type OutOfTouch = (site: string) => number | undefined;

/** The sites on whose word the document's present state rests: those of its terminals and calls, else all that ever reported the user. */
export function sourcesOf(document: PresenceDocument, reporters: readonly string[]): readonly string[] {
  const live = [...document.terminals, ...document.calls].map(({ site }) => site);
  return live.length > 0 ? [...new Set(live)] : reporters;
}

/**
 * The document as it is to be shown while sites are out of touch; the same object where that touches nothing of it. What is live keeps its
 * status and is `stale` from when the first of its sites was lost. Where nothing is live, the status is `unknown` once *all* sites
 * that ever reported the user are lost: anything may have begun there since.
 */
export function shown(document: PresenceDocument, reporters: readonly string[], outOfTouch: OutOfTouch): PresenceDocument {
  const isLive = document.terminals.length + document.calls.length > 0;
  const sources = sourcesOf(document, reporters);
  const lost = sources.map(outOfTouch).filter((since) => since !== undefined);
  if (lost.length === 0 || (!isLive && lost.length < sources.length)) return document;
  const { user, status, terminalStatus, callStatus, stale: _stale, staleSince: _since, since, ...rest } = document;
  const staleSince = timestamp(isLive ? Math.min(...lost) : Math.max(...lost));
  return {
    ...{ user, status: isLive ? status : 'unknown', terminalStatus, callStatus, stale: true, staleSince },
    since: isLive || since > staleSince ? since : staleSince,
    ...rest,
  };
}
