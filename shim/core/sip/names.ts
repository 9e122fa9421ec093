import { equals } from './grammar.ts';

/**
 * Header fields that this layer knows by number: the long form in lower case, and the compact form where there is one. The order counts:
 * from `from` to `sip-if-match` stand those that may appear only once (validity.ts), up to `route` those that splicing touches.
 */
const KNOWN = [
  ['via', 'v'],
  ['from', 'f'],
  ['to', 't'],
  ['call-id', 'i'],
  ['cseq'],
  ['max-forwards'],
  ['content-length', 'l'],
  ['content-type', 'c'],
  ['event', 'o'],
  ['expires'],
  ['min-expires'],
  ['sip-if-match'],
  ['sip-etag'],
  ['contact', 'm'],
  ['max-breadth'],
  ['route'],
  ['record-route'],
  ['path'],
  ['require'],
  ['proxy-require'],
  ['supported', 'k'],
  ['unsupported'],
  ['allow'],
  ['allow-events', 'u'],
  ['authorization'],
  ['proxy-authorization'],
  ['www-authenticate'],
  ['proxy-authenticate'],
  ['session-expires', 'x'],
  ['min-se'],
  ['user-agent'],
  ['server'],
  ['subscription-state'],
  ['refer-to', 'r'],
  ['referred-by', 'b'],
  ['replaces'],
  ['content-encoding', 'e'],
  ['subject', 's'],
  ['timestamp'],
  ['accept'],
  ['accept-contact', 'a'],
  ['reject-contact', 'j'],
  ['request-disposition', 'd'],
  ['identity', 'y'],
  ['rseq'],
  ['rack'],
  ['reason'],
  ['retry-after'],
  ['warning'],
  ['p-asserted-identity'],
  ['privacy'],
] as const;

/** A header field that this layer knows by number. */
export type KnownHeader = (typeof KNOWN)[number][0];

/** A header field's name: the long form in lower case. Any other name is searched by its text. */
export type HeaderName = KnownHeader | (string & {});

/** Number of a header field that is not in the table. */
export const UNKNOWN = 0;

const BY_NAME: ReadonlyMap<string, number> = new Map(KNOWN.flatMap((names, i) => names.map((name) => [name as string, i + 1])));

/** Candidates by a hash of length, first and last letter. */
const BUCKETS: readonly (readonly { readonly name: string; readonly id: number }[])[] = buckets();

function hash(length: number, first: number, last: number): number {
  return (length * 7 + (first | 0x20) * 3 + (last | 0x20) * 11) & 0xff;
}

function buckets() {
  const table: { name: string; id: number }[][] = Array.from({ length: 256 }, () => []);
  for (const [name, id] of BY_NAME) {
    table[hash(name.length, name.charCodeAt(0), name.charCodeAt(name.length - 1))]?.push({ name, id });
  }
  return table;
}

/** The number of the field named in text[pos, end), in any case and in its long or compact form; UNKNOWN where it has none. */
export function identify(text: string, pos: number, end: number): number {
  const bucket = BUCKETS[hash(end - pos, text.charCodeAt(pos), text.charCodeAt(end - 1))];
  if (bucket === undefined) return UNKNOWN;
  for (let i = 0; i < bucket.length; i++) {
    const candidate = bucket[i] as { name: string; id: number };
    if (equals(text, pos, end, candidate.name)) return candidate.id;
  }
  return UNKNOWN;
}

/** The number of a field by its name in lower case; UNKNOWN where it has none. */
export function idOf(name: HeaderName): number {
  return BY_NAME.get(name) ?? UNKNOWN;
}

/** The number of a field that is in the table. */
function known(name: KnownHeader): number {
  return BY_NAME.get(name) as number;
}

export const VIA: number = known('via');
export const FROM: number = known('from');
export const TO: number = known('to');
export const CALL_ID: number = known('call-id');
export const CSEQ: number = known('cseq');
export const MAX_FORWARDS: number = known('max-forwards');
export const CONTENT_LENGTH: number = known('content-length');
export const CONTENT_TYPE: number = known('content-type');
export const EVENT: number = known('event');
export const EXPIRES: number = known('expires');
export const MIN_EXPIRES: number = known('min-expires');
export const SIP_IF_MATCH: number = known('sip-if-match');
export const SIP_ETAG: number = known('sip-etag');
export const CONTACT: number = known('contact');
export const MAX_BREADTH: number = known('max-breadth');
export const ROUTE: number = known('route');
export const RECORD_ROUTE: number = known('record-route');
export const PATH: number = known('path');
export const TIMESTAMP: number = known('timestamp');
export const SESSION_EXPIRES: number = known('session-expires');
export const REFER_TO: number = known('refer-to');
