import { readFileSync } from 'node:fs';
import { DEFAULT_MESSAGE_LIMITS, type Framing, type Message, scan } from '../../shim/core/sip/index.ts';

/** A fixture's bytes as a byte string. */
export function fixture(path: string): string {
  return readFileSync(new URL(`fixtures/${path}`, import.meta.url), 'latin1');
}

/** Scans what must be well-formed. */
export function message(text: string, framing: Framing = 'datagram'): Message {
  const result = scan(text, DEFAULT_MESSAGE_LIMITS, framing);
  if (!result.ok) throw new Error(`${result.status} ${result.reason}: ${JSON.stringify(text.slice(0, 300))}`);
  return result.message;
}

/** A message of lines, CRLF put between them and an empty line after them. */
export function lines(...all: string[]): string {
  return `${all.join('\r\n')}\r\n\r\n`;
}

const SDP = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n';

/** The INVITE of RFC 3261 24.2, F1, with a body and what proxies put on it. */
export const INVITE: string = `${lines(
  'INVITE sip:bob@biloxi.com SIP/2.0',
  'Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKnashds8;rport',
  'Max-Forwards: 70',
  'Route: <sip:p1.example.com;lr>, <sip:p2.example.com;lr>',
  'To: Bob <sip:bob@biloxi.com>',
  'From: Alice <sip:alice@atlanta.com>;tag=1928301774',
  'Call-ID: a84b4c76e66710',
  'CSeq: 314159 INVITE',
  'Contact: <sip:alice@pc33.atlanta.com>',
  'User-Agent: phone/1.0',
  'Allow: INVITE, ACK, CANCEL, BYE',
  'Content-Type: application/sdp',
  `Content-Length: ${SDP.length}`,
)}${SDP}`;
