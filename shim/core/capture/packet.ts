import { address } from '../hep/packet.ts';
import type { Address } from '../transport.ts';
import { u8, u16, u32 } from './bytes.ts';

/** What a frame carries of UDP or TCP. */
export type Packet =
  | { readonly protocol: 'udp'; readonly source: Address; readonly destination: Address; readonly payload: string }
  | {
      readonly protocol: 'tcp';
      readonly source: Address;
      readonly destination: Address;
      readonly sequence: number;
      readonly syn: boolean;
      readonly end: boolean;
      readonly payload: string;
    };

/** Why a frame was passed over. */
export type Skipped = 'link type' | 'not IP' | 'not UDP or TCP' | 'fragment' | 'cut off';

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
/** VLAN tags (802.1Q, 802.1ad). */
const TAGS = new Set([0x8100, 0x88a8, 0x9100]);
const TAGS_MAX = 4;

/** Link types. */
const LOOPBACK = new Set([0, 108]);
const ETHERNET = 1;
const RAW = new Set([12, 14, 101, 228, 229]);
const COOKED = 113;
const COOKED_V2 = 276;

const UDP = 17;
const TCP = 6;
/** IPv6 extension headers that say where the next one is (RFC 8200 4.1); the fragment header is not among them. */
const EXTENSIONS = new Set([0, 43, 60]);
const EXTENSIONS_MAX = 8;
const FRAGMENT = 44;

/** What a frame carries; the reason where that is nothing that SIP can be in. */
export function packetOf(link: number, frame: string): Packet | Skipped {
  const ip = ipOf(link, frame);
  if (typeof ip !== 'number') return ip;
  const version = u8(frame, ip) >> 4;
  if (version === 4) return ipv4(frame.slice(ip));
  return version === 6 ? ipv6(frame.slice(ip)) : 'not IP';
}

/** Where the IP header begins. */
function ipOf(link: number, frame: string): number | Skipped {
  if (RAW.has(link)) return 0;
  // The address family, in the byte order of whoever captured: the version in the IP header says the same.
  if (LOOPBACK.has(link)) return 4;
  if (link === COOKED_V2) return u16(frame, 0) === IPV4 || u16(frame, 0) === IPV6 ? 20 : 'not IP';
  if (link !== ETHERNET && link !== COOKED) return 'link type';
  let at = link === ETHERNET ? 12 : 14;
  for (let tags = 0; TAGS.has(u16(frame, at)) && tags < TAGS_MAX; tags++) at += 4;
  return u16(frame, at) === IPV4 || u16(frame, at) === IPV6 ? at + 2 : 'not IP';
}

function ipv4(text: string): Packet | Skipped {
  const header = (u8(text, 0) & 0x0f) * 4;
  const length = u16(text, 2) || text.length;
  if (header < 20 || text.length < header || length < header || text.length < length) return 'cut off';
  // More fragments to come, or not the first one.
  if ((u16(text, 6) & 0x3fff) !== 0) return 'fragment';
  return transport(u8(text, 9), text.slice(12, 16), text.slice(16, 20), text.slice(header, length));
}

function ipv6(text: string): Packet | Skipped {
  if (text.length < 40) return 'cut off';
  const length = u16(text, 4) === 0 ? text.length : 40 + u16(text, 4);
  if (text.length < length) return 'cut off';
  let next = u8(text, 6);
  let at = 40;
  for (let count = 0; EXTENSIONS.has(next) && count < EXTENSIONS_MAX; count++) {
    next = u8(text, at);
    at += 8 + u8(text, at + 1) * 8;
  }
  if (next === FRAGMENT) return 'fragment';
  return transport(next, text.slice(8, 24), text.slice(24, 40), text.slice(at, length));
}

function transport(protocol: number, from: string, to: string, text: string): Packet | Skipped {
  if (protocol !== UDP && protocol !== TCP) return 'not UDP or TCP';
  const source = { address: address(from), port: u16(text, 0) };
  const destination = { address: address(to), port: u16(text, 2) };
  if (protocol === UDP) {
    const length = u16(text, 4);
    if (length < 8 || text.length < length) return 'cut off';
    return { protocol: 'udp', source, destination, payload: text.slice(8, length) };
  }
  const header = (u8(text, 12) >> 4) * 4;
  if (header < 20 || text.length < header) return 'cut off';
  const flags = u8(text, 13);
  const [syn, end] = [(flags & 0x02) !== 0, (flags & 0x05) !== 0];
  return { protocol: 'tcp', source, destination, sequence: u32(text, 4), syn, end, payload: text.slice(header) };
}
