import { callId, cseq, from, headers, type Message, to, vias } from '../sip/index.ts';
import type { Self } from './self.ts';

/** RFC 3261 8.1.1.7: the mark of a branch that is unique in space and time. */
const COOKIE = 'z9hG4bK';

/**
 * RFC 3261 16.6 step 8: a branch in two parts, one unique, one computed from what the routing decision rests on, so that the request is
 * known again should it come back unchanged.
 */
export function makeBranch(unique: string, loop: string): string {
  return `${COOKIE}${unique}.${loop}`;
}

/** What the routing decision for a request rests on, hashed (FNV-1a, 32 bits, in hex). */
export function loopHash(m: Message, requestUri: string): string {
  let hash = 0x811c9dc5;
  const add = (text: string): void => {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ 0x0a, 0x01000193);
  };
  add(requestUri);
  add(callId(m));
  add(from(m)?.tag ?? '');
  add(to(m)?.tag ?? '');
  add(String(cseq(m)?.number ?? 0));
  for (const name of ['route', 'proxy-require', 'proxy-authorization'] as const) for (const value of headers(m, name)) add(value);
  return (hash >>> 0).toString(16);
}

/**
 * RFC 3261 16.3 step 4: "If the request contains a Via header field with a sent-by value that equals a value placed into previous
 * requests by the proxy, the request has been forwarded by this element before." Only where the routing is the same too is it a loop; else
 * it is a spiral and goes on.
 */
export function isLoop(m: Message, loop: string, self: Self): boolean {
  const list = vias(m);
  if (list === undefined || list.length < 2) return false;
  return list.some(
    (via) => self.isSentBy(via.host, via.port) && via.branch?.startsWith(COOKIE) && via.branch.endsWith(`.${loop}`),
  );
}
