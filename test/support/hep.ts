import { parseIpv4, parseIpv6 } from '../../shim/core/sip/index.ts';

/** What a HEP packet of a test says; what is not given has a plain default. */
export interface HepParts {
  readonly source?: readonly [address: string, port: number];
  readonly destination?: readonly [address: string, port: number];
  readonly at?: number;
  readonly key?: string;
  readonly captureId?: number;
  readonly payloadType?: number;
  readonly payload?: string;
  readonly protocol?: number;
  /** Further chunks, as they are. */
  readonly more?: readonly string[];
}

export const uint16 = (value: number): string => String.fromCharCode((value >> 8) & 0xff, value & 0xff);
export const uint32 = (value: number): string => uint16(Math.floor(value / 65_536)) + uint16(value % 65_536);

/** One chunk: vendor, type, length with its own header, value. */
export const chunk = (type: number, value: string, vendor = 0): string =>
  uint16(vendor) + uint16(type) + uint16(6 + value.length) + value;

/** A packet of these chunks. */
export const packetOf = (...chunks: readonly string[]): string => {
  const body = chunks.join('');
  return `HEP3${uint16(6 + body.length)}${body}`;
};

/** An IP address as bytes. */
export const ipBytes = (address: string): string =>
  address.includes(':')
    ? (parseIpv6(address) ?? []).map(uint16).join('')
    : (parseIpv4(address) ?? []).map((byte) => String.fromCharCode(byte)).join('');

/** A HEP version 3 packet as an agent sends it. */
export function encodeHep(parts: HepParts): string {
  const { source = ['127.0.0.2', 5060], destination = ['127.0.0.1', 5060], at = 0, payload = '' } = parts;
  const v6 = source[0].includes(':');
  return packetOf(
    chunk(1, v6 ? '\x0a' : '\x02'),
    chunk(2, String.fromCharCode(parts.protocol ?? 17)),
    chunk(v6 ? 5 : 3, ipBytes(source[0])),
    chunk(v6 ? 6 : 4, ipBytes(destination[0])),
    chunk(7, uint16(source[1])),
    chunk(8, uint16(destination[1])),
    chunk(9, uint32(Math.floor(at / 1000))),
    chunk(10, uint32((at % 1000) * 1000)),
    chunk(11, String.fromCharCode(parts.payloadType ?? 1)),
    chunk(12, uint32(parts.captureId ?? 1)),
    ...(parts.key === undefined ? [] : [chunk(14, parts.key)]),
    ...(parts.more ?? []),
    chunk(15, payload),
  );
}
