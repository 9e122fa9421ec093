import { cseq } from './fields.ts';
import { FIELD_END, FIELD_VALUE, fieldAt, headers, type Message, unfold, valueAt } from './message.ts';
import { CALL_ID, FROM, TO, VIA } from './names.ts';
import { type Content, clean, type HeaderField, tail } from './respond.ts';
import { skipVia } from './via.ts';

/** RFC 3261 8.1.1.6: "The Max-Forwards value ... SHOULD be 70." */
export const MAX_FORWARDS_DEFAULT = 70;

/** What a request of our own is made of; values are byte strings, addresses whole values (`<sip:a@b>;tag=x`). */
export interface RequestHead {
  readonly method: string;
  readonly uri: string;
  readonly via: string;
  readonly from: string;
  readonly to: string;
  readonly callId: string;
  readonly cseq: number;
  readonly maxForwards?: number;
  readonly routes?: readonly string[];
  readonly headers?: readonly HeaderField[];
  readonly body?: Content;
}

/** A new request (RFC 3261 8.1.1). */
export function request(head: RequestHead): string {
  let out = `${head.method} ${head.uri} SIP/2.0\r\nVia: ${head.via}\r\nMax-Forwards: ${head.maxForwards ?? MAX_FORWARDS_DEFAULT}\r\n`;
  for (const route of head.routes ?? []) out += `Route: ${clean(route)}\r\n`;
  out += `From: ${clean(head.from)}\r\nTo: ${clean(head.to)}\r\nCall-ID: ${clean(head.callId)}\r\nCSeq: ${head.cseq} ${head.method}\r\n`;
  return out + tail(head.headers, head.body);
}

/**
 * The ACK for a final response other than 2xx (RFC 3261 17.1.1.3). `invite` is the INVITE as it was sent: "The ACK MUST contain a single
 * Via header field, and this MUST be equal to the top Via header field of the original request. ... The To header field in the ACK MUST
 * equal the To header field in the response being acknowledged".
 */
export function ack(invite: Message, response: Message): string {
  return sameBranch(invite, 'ACK', first(response, TO));
}

/**
 * The CANCEL for a request as it was sent (RFC 3261 9.1): "The Request-URI, Call-ID, To, the numeric part of CSeq, and From header
 * fields in the CANCEL request MUST be identical to those in the request being cancelled, including tags."
 */
export function cancel(sent: Message, headers: readonly HeaderField[] = []): string {
  return sameBranch(sent, 'CANCEL', first(sent, TO), headers);
}

/** 9.1, 17.1.1.3: "If the request being cancelled contains a Route header field, the CANCEL request MUST include that Route". */
function sameBranch(sent: Message, method: string, to: string, further: readonly HeaderField[] = []): string {
  return request({
    method,
    uri: sent.uri,
    via: topViaText(sent),
    from: first(sent, FROM),
    to,
    callId: first(sent, CALL_ID),
    cseq: cseq(sent).number,
    routes: headers(sent, 'route'),
    headers: further,
  });
}

function first(message: Message, id: number): string {
  const at = fieldAt(message, id, 0);
  return at === -1 ? '' : valueAt(message, at);
}

/** The topmost Via value as it stands there. */
export function topViaText(message: Message): string {
  const at = fieldAt(message, VIA, 0);
  if (at === -1) return '';
  const end = message.fields[at + FIELD_END] as number;
  const value = message.fields[at + FIELD_VALUE] as number;
  const viaEnd = skipVia(message.text, value, end);
  return unfold(message.text, value, viaEnd === -1 ? end : viaEnd).trimEnd();
}
