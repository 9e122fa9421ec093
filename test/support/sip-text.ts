import { DEFAULT_MESSAGE_LIMITS, type Message, scan } from '../../shim/core/sip/index.ts';

/** A session description with one audio stream. */
export const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 6000 RTP/AVP 8',
  'a=rtpmap:8 PCMA/8000',
  '',
].join('\r\n');

/** Parts of a message of a test; what is not given has a plain default. */
export interface Parts {
  readonly uri?: string;
  readonly via?: string;
  readonly from?: string;
  readonly to?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly maxForwards?: number | null;
  readonly headers?: readonly string[];
  readonly body?: string;
}

let branches = 0;

/** The text of a request from alice to bob. */
export function requestText(method: string, parts: Parts = {}): string {
  const {
    uri = 'sip:bob@example.com',
    from = '<sip:alice@example.com>;tag=a',
    to = '<sip:bob@example.com>',
    callId = 'call-1',
  } = parts;
  const { via = `SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bKtest${++branches}`, cseq = 1, maxForwards = 70 } = parts;
  const first = [`${method} ${uri} SIP/2.0`, `Via: ${via}`, ...(maxForwards === null ? [] : [`Max-Forwards: ${maxForwards}`])];
  return text(first, `${cseq} ${method}`, { ...parts, from, to, callId });
}

/** The text of a response to such a request; its Via is ours, then the caller's, as a proxy's next hop sends it. */
export function responseText(status: number, method: string, parts: Parts = {}): string {
  const { via = 'SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bKtest' } = parts;
  const { from = '<sip:alice@example.com>;tag=a', to = '<sip:bob@example.com>;tag=b', callId = 'call-1', cseq = 1 } = parts;
  return text([`SIP/2.0 ${status} Reason ${status}`, `Via: ${via}`], `${cseq} ${method}`, { ...parts, from, to, callId });
}

function text(first: readonly string[], cseq: string, parts: Parts & { from: string; to: string; callId: string }): string {
  const { body = '' } = parts;
  return [
    ...first,
    `From: ${parts.from}`,
    `To: ${parts.to}`,
    `Call-ID: ${parts.callId}`,
    `CSeq: ${cseq}`,
    ...(parts.headers ?? []),
    ...(body === '' || parts.headers?.some((line) => line.startsWith('Content-Type')) ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

/** Scans a text that the test knows to be well-formed. */
export function scanned(text: string): Message {
  const result = scan(text, DEFAULT_MESSAGE_LIMITS, 'datagram');
  if (!result.ok) throw new Error(`the test's own message: ${result.reason}\n${text}`);
  return result.message;
}

export const request = (method: string, parts?: Parts): Message => scanned(requestText(method, parts));
export const response = (status: number, method: string, parts?: Parts): Message => scanned(responseText(status, method, parts));
