import { parseIpv4, parseIpv6 } from './sip/ip.ts';

/** A range of IP addresses (RFC 4632, RFC 4291 2.3): the numbers that its addresses begin with, and how many bits of them count. */
export type AddressRange =
  | { readonly family: 4; readonly bits: number; readonly address: number }
  | { readonly family: 6; readonly bits: number; readonly address: readonly number[] };

/** `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`, IPv6 with or without brackets. Undefined where the text is none of these. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const slash = text.indexOf('/');
  const host = slash < 0 ? text : text.slice(0, slash);
  const bits = slash < 0 ? undefined : /^\d{1,3}$/.test(text.slice(slash + 1)) ? Number(text.slice(slash + 1)) : Number.NaN;
  const v4 = parseIpv4(host);
  if (v4 !== undefined)
    return range4(
      v4.reduce((sum, byte) => sum * 256 + byte, 0),
      bits ?? 32,
    );
  const v6 = parseIpv6(host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host);
  if (v6 === undefined) return undefined;
  const mapped = mappedIpv4(v6);
  if (mapped !== undefined && (bits ?? 128) >= 96) return range4(mapped, (bits ?? 128) - 96);
  return bits === undefined || (bits >= 0 && bits <= 128) ? { family: 6, bits: bits ?? 128, address: v6 } : undefined;
}

function range4(address: number, bits: number): AddressRange | undefined {
  return bits >= 0 && bits <= 32 ? { family: 4, bits, address } : undefined;
}

/** The IPv4 address in ::ffff:0:0/96 (RFC 4291 2.5.5.2): one host, however its address is written. */
function mappedIpv4(groups: readonly number[]): number | undefined {
  for (let i = 0; i < 5; i++) if (groups[i] !== 0) return undefined;
  if (groups[5] !== 0xffff) return undefined;
  return (groups[6] as number) * 65_536 + (groups[7] as number);
}

/** An IP address as a number, or as the groups of IPv6; a zone (`%eth0`) does not count. Undefined where the text is no address. */
export function parseAddress(text: string): number | readonly number[] | undefined {
  const v4 = decimalIpv4(text);
  if (v4 >= 0) return v4;
  const zone = text.indexOf('%');
  const groups = parseIpv6(zone < 0 ? text : text.slice(0, zone));
  return groups && (mappedIpv4(groups) ?? groups);
}

/** Dotted decimal as a number, or -1: one pass without any allocation, as each message comes by here. */
function decimalIpv4(text: string): number {
  if (text.length > 15) return -1;
  let sum = 0;
  let byte = -1;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2e) {
      if (byte < 0) return -1;
      sum = sum * 256 + byte;
      byte = -1;
      dots++;
    } else {
      if (code < 0x30 || code > 0x39) return -1;
      byte = (byte < 0 ? 0 : byte * 10) + code - 0x30;
      if (byte > 255) return -1;
    }
  }
  return dots === 3 && byte >= 0 ? sum * 256 + byte : -1;
}

/** IP addresses by ranges. A look-up costs one probe for each length of prefix that there is, however many ranges. */
export class AddressSet {
  /** How many ranges it was made of. */
  readonly size: number;
  readonly #v4 = new Map<number, Set<number>>();
  readonly #v6 = new Map<number, Set<string>>();

  constructor(ranges: readonly AddressRange[]) {
    this.size = ranges.length;
    for (const range of ranges) {
      if (range.family === 4) insert(this.#v4, range.bits, prefix4(range.address, range.bits));
      else insert(this.#v6, range.bits, prefix6(range.address, range.bits));
    }
  }

  /** From texts that were checked before (`addressRange` of the configuration). Throws where one is no range. */
  static of(texts: readonly string[]): AddressSet {
    return new AddressSet(
      texts.map((text) => {
        const range = parseAddressRange(text);
        if (range === undefined) throw new RangeError(`no IP address or range: ${text}`);
        return range;
      }),
    );
  }

  /** Whether that address, an IP literal without brackets, lies in one of the ranges. */
  has(address: string): boolean {
    if (this.size === 0) return false;
    const parsed = parseAddress(address);
    if (parsed === undefined) return false;
    if (typeof parsed === 'number') {
      for (const [bits, prefixes] of this.#v4) if (prefixes.has(prefix4(parsed, bits))) return true;
    } else {
      for (const [bits, prefixes] of this.#v6) if (prefixes.has(prefix6(parsed, bits))) return true;
    }
    return false;
  }
}

function insert<T>(byBits: Map<number, Set<T>>, bits: number, prefix: T): void {
  const prefixes = byBits.get(bits);
  if (prefixes === undefined) byBits.set(bits, new Set([prefix]));
  else prefixes.add(prefix);
}

/** The first `bits` of an IPv4 address. */
function prefix4(address: number, bits: number): number {
  return bits === 0 ? 0 : address >>> (32 - bits);
}

/** The first `bits` of an IPv6 address, as a string that is the same for the same bits. */
export function prefix6(groups: readonly number[], bits: number): string {
  const whole = bits >> 4;
  let out = '';
  for (let i = 0; i < whole; i++) out += String.fromCharCode(groups[i] as number);
  const rest = bits & 15;
  return rest === 0 ? out : out + String.fromCharCode((groups[whole] as number) >> (16 - rest));
}
