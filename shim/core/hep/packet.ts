/** HEP version 3, the capture protocol (EEP) by which SIP servers mirror what they receive and send. Pure, over byte strings. */

/** What a HEP packet says. Addresses as text: IPv4 dotted, IPv6 in lower case with its longest run of zeros left out (RFC 5952). */
export interface HepPacket {
  readonly source: { readonly address: string; readonly port: number };
  readonly destination: { readonly address: string; readonly port: number };
  /** IP protocol of the captured packet: 17 is UDP, 6 is TCP. */
  readonly protocol: number;
  /** When it was captured, ms since 1970. */
  readonly at: number;
  /** Number of the capturing agent; 0 where it gives none. */
  readonly captureId: number;
  /** The shared secret as sent; undefined where there is none. */
  readonly authKey: string | undefined;
  /** What ties packets together, as the agent says; '' where it says nothing. */
  readonly correlationId: string;
  /** What the payload is: `PROTOCOL_SIP`, or something else that can be mirrored. */
  readonly payloadType: number;
  /** The captured message. */
  readonly payload: string;
}

/** Payload type of SIP. */
export const PROTOCOL_SIP = 1;

/** Why a packet was refused. */
export const HEP_FAULTS = [
  /** Not HEP at all. */
  'not-hep',
  /** HEP version 1 or 2: it has neither room for a key nor for a capture agent's number of its own length. */
  'old-version',
  /** The length in the header is not that of the packet. */
  'length',
  /** A chunk that ends beyond the packet, or is shorter than its own header. */
  'chunk-length',
  /** More chunks than `HEP_LIMITS.chunks`. */
  'too-many-chunks',
  /** A chunk of a length that its type does not have. */
  'chunk-value',
  /** An address family that is neither IPv4 nor IPv6. */
  'family',
  /** No payload, no addresses of the family named, no ports or no time. */
  'incomplete',
  /** The payload is compressed: what it would grow to is its sender's choice. */
  'compressed',
  /** Payload, key or correlation id are longer than they may be. */
  'too-long',
] as const;
export type HepFault = (typeof HEP_FAULTS)[number];

export type HepResult = { readonly ok: true; readonly packet: HepPacket } | { readonly ok: false; readonly fault: HepFault };

/** Limits of one packet. */
export const HEP_LIMITS = {
  /** A packet, bytes: its length field has 16 bits. */
  packetBytes: 65_535,
  /** Chunks; the generic ones are 18, agents add some of their own. */
  chunks: 64,
  /** Key and correlation id, bytes. */
  textBytes: 1024,
} as const;

/** Length of the header: `HEP3` and the total length. */
export const HEP_HEADER = 6;
const CHUNK_HEADER = 6;

const FAMILY_IPV4 = 2;
/** AF_INET6 is 10 on Linux, where most agents run, and other numbers elsewhere: these are the known ones. */
const FAMILY_IPV6 = new Set([10, 23, 24, 26, 28, 30]);

/** Generic chunk types (vendor 0). */
const FAMILY = 0x01;
const IP_PROTOCOL = 0x02;
const IPV4_SOURCE = 0x03;
const IPV4_DESTINATION = 0x04;
const IPV6_SOURCE = 0x05;
const IPV6_DESTINATION = 0x06;
const SOURCE_PORT = 0x07;
const DESTINATION_PORT = 0x08;
const SECONDS = 0x09;
const MICROSECONDS = 0x0a;
const PAYLOAD_TYPE = 0x0b;
const CAPTURE_ID = 0x0c;
const AUTH_KEY = 0x0e;
const PAYLOAD = 0x0f;
const COMPRESSED = 0x10;
const CORRELATION_ID = 0x11;

/** The lengths of the chunks that have one. */
const LENGTHS = new Map([
  [FAMILY, 1],
  [IP_PROTOCOL, 1],
  [IPV4_SOURCE, 4],
  [IPV4_DESTINATION, 4],
  [IPV6_SOURCE, 16],
  [IPV6_DESTINATION, 16],
  [SOURCE_PORT, 2],
  [DESTINATION_PORT, 2],
  [SECONDS, 4],
  [MICROSECONDS, 4],
  [PAYLOAD_TYPE, 1],
  [CAPTURE_ID, 4],
]);

const refuse = (fault: HepFault): HepResult => ({ ok: false, fault });

/** Reads one whole packet; never throws. Chunks of other vendors, and types that are not known, are passed over. `payloadBytes` bounds the payload. */
export function decodeHep(text: string, payloadBytes: number): HepResult {
  if (!text.startsWith('HEP3')) return refuse(oldVersion(text) ? 'old-version' : 'not-hep');
  if (text.length < HEP_HEADER || uint16(text, 4) !== text.length) return refuse('length');
  const chunks = new Map<number, string>();
  let count = 0;
  for (let pos = HEP_HEADER; pos < text.length; ) {
    if (pos + CHUNK_HEADER > text.length) return refuse('chunk-length');
    const [vendor, type, length] = [uint16(text, pos), uint16(text, pos + 2), uint16(text, pos + 4)];
    if (length < CHUNK_HEADER || pos + length > text.length) return refuse('chunk-length');
    if (++count > HEP_LIMITS.chunks) return refuse('too-many-chunks');
    if (vendor === 0) {
      const fixed = LENGTHS.get(type);
      if (fixed !== undefined && length - CHUNK_HEADER !== fixed) return refuse('chunk-value');
      // The first of a type counts: what a second one says could not be told from an attempt to hide something.
      if (!chunks.has(type)) chunks.set(type, text.slice(pos + CHUNK_HEADER, pos + length));
    }
    pos += length;
  }
  return assemble(chunks, payloadBytes);
}

function assemble(chunks: ReadonlyMap<number, string>, payloadBytes: number): HepResult {
  if (chunks.has(COMPRESSED)) return refuse('compressed');
  const family = number(chunks.get(FAMILY));
  const v6 = family !== undefined && FAMILY_IPV6.has(family);
  if (family !== undefined && family !== FAMILY_IPV4 && !v6) return refuse('family');
  const source = chunks.get(v6 ? IPV6_SOURCE : IPV4_SOURCE);
  const destination = chunks.get(v6 ? IPV6_DESTINATION : IPV4_DESTINATION);
  const [from, to] = [number(chunks.get(SOURCE_PORT)), number(chunks.get(DESTINATION_PORT))];
  const seconds = number(chunks.get(SECONDS));
  const payload = chunks.get(PAYLOAD);
  const incomplete = source === undefined || destination === undefined || from === undefined || to === undefined;
  if (incomplete || seconds === undefined || payload === undefined) return refuse('incomplete');
  const [authKey, correlationId] = [chunks.get(AUTH_KEY), chunks.get(CORRELATION_ID) ?? ''];
  const texts = [authKey ?? '', correlationId];
  if (payload.length > payloadBytes || texts.some((text) => text.length > HEP_LIMITS.textBytes)) return refuse('too-long');
  return {
    ok: true,
    packet: {
      source: { address: address(source), port: from },
      destination: { address: address(destination), port: to },
      protocol: number(chunks.get(IP_PROTOCOL)) ?? 17,
      at: seconds * 1000 + Math.floor((number(chunks.get(MICROSECONDS)) ?? 0) / 1000),
      captureId: number(chunks.get(CAPTURE_ID)) ?? 0,
      authKey,
      correlationId,
      payloadType: number(chunks.get(PAYLOAD_TYPE)) ?? 0,
      payload,
    },
  };
}

/** HEP 1 and 2 begin with their version, the length of their header, and the address family. */
function oldVersion(text: string): boolean {
  const [version, length] = [text.charCodeAt(0), text.charCodeAt(1)];
  return (version === 1 || version === 2) && length >= 16 && length <= 48;
}

const uint16 = (text: string, pos: number): number => (text.charCodeAt(pos) << 8) | text.charCodeAt(pos + 1);

function number(bytes: string | undefined): number | undefined {
  if (bytes === undefined) return undefined;
  let value = 0;
  for (let i = 0; i < bytes.length; i++) value = value * 256 + bytes.charCodeAt(i);
  return value;
}

/** 4 or 16 bytes as the text of an IP address; an IPv4 address mapped into IPv6 is the IPv4 address. */
export function address(bytes: string): string {
  if (bytes.length === 4) return Array.from(bytes, (byte) => byte.charCodeAt(0)).join('.');
  if (bytes.startsWith('\0\0\0\0\0\0\0\0\0\0\xff\xff')) return address(bytes.slice(12));
  const groups = Array.from({ length: 8 }, (_, i) => uint16(bytes, 2 * i).toString(16));
  // RFC 5952 4.2.3: "the longest run of consecutive 16-bit 0 fields MUST be shortened"; of equal ones the first, and none of one field.
  const runs = [...groups.join(':').matchAll(/(?<![0-9a-f])0(?::0)+(?![0-9a-f])/g)];
  const longest = runs.sort((a, b) => b[0].length - a[0].length)[0];
  const text = groups.join(':');
  if (longest === undefined) return text;
  const [head, tail] = [text.slice(0, longest.index), text.slice(longest.index + longest[0].length)];
  return `${head.replace(/:$/, '')}::${tail.replace(/^:/, '')}`;
}
