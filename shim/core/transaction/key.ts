import { callId, cseq, from, type Message, to, type Via } from '../sip/index.ts';
import { bareHost } from '../transport.ts';

/** RFC 3261 8.1.1.7: branches that are unique across space and time begin with these seven characters. */
export const MAGIC_COOKIE = 'z9hG4bK';

/** Whether the branch identifies the transaction. RFC 4475 3.2.1: a cookie with nothing behind it does not. */
export function hasMagicCookie(branch: string | undefined): branch is string {
  return branch !== undefined && branch.length > MAGIC_COOKIE.length && /^z9hg4bk/i.test(branch.slice(0, MAGIC_COOKIE.length));
}

/**
 * RFC 3261 17.1.3: a response matches a client transaction "if the response has the same value of the branch parameter in the top
 * Via header field as the branch parameter in the top Via header field of the request that created the transaction" and "if the
 * method parameter in the CSeq header field matches the method of the request that created the transaction".
 */
export function clientKey(branch: string, method: string): string {
  return `c|${branch}|${method}`;
}

/**
 * RFC 3261 17.2.3: branch, sent-by and method; `method` is that of the transaction looked for ("except for ACK, where the method of
 * the request that created the transaction is INVITE"; 9.2 for CANCEL).
 */
export function serverKey(message: Message, via: Via, method: string): string {
  const branch = via.branch;
  if (!hasMagicCookie(branch)) return legacyKey(message, via, method, to(message)?.tag);
  return `s|${branch}|${sentBy(via)}|${method}`;
}

/**
 * RFC 3261 17.2.3 for clients of RFC 2543: "The INVITE request matches a transaction if the Request-URI, To tag, From tag, Call-ID,
 * CSeq, and top Via header field match those of the INVITE request which created the transaction." An ACK matches with the To tag of
 * the response that the transaction sent, so such a transaction is known under a second key as long as it waits for the ACK.
 */
export function legacyKey(message: Message, via: Via, method: string, toTag: string | undefined): string {
  const topVia = [via.transport, sentBy(via), ...[...via.params].map(([name, value]) => `${name}=${value}`)].join(' ');
  const parts = [message.uri, from(message)?.tag ?? '', callId(message), String(cseq(message).number), topVia, toTag ?? ''];
  // Lengths in front, so that no two lists of parts make the same key.
  return `s|${method}|${parts.map((part) => `${part.length}:${part}`).join('')}`;
}

function sentBy(via: Via): string {
  return `${bareHost(via.host)}:${via.port ?? ''}`;
}
