import { parseAddress, prefix6 } from '../address-set.ts';

/** The number of bits of an IPv6 address that one customer has for himself: counting by single addresses would count nothing. */
const IPV6_BITS = 64;

/** Whom an address is counted for: an IPv4 address for itself, mapped into IPv6 too; an IPv6 address for its /64. */
export function sourceOf(address: string): string {
  if (!address.includes(':')) return address;
  const parsed = parseAddress(address);
  if (parsed === undefined) return address;
  if (typeof parsed !== 'number') return prefix6(parsed, IPV6_BITS);
  return [24, 16, 8, 0].map((shift) => (parsed >>> shift) & 255).join('.');
}

/** A source in words: the address, or the network of an IPv6 address. */
export function showSource(address: string): string {
  const parsed = address.includes(':') ? parseAddress(address) : undefined;
  if (parsed === undefined || typeof parsed === 'number') return sourceOf(address);
  return `${parsed
    .slice(0, IPV6_BITS / 16)
    .map((group) => group.toString(16))
    .join(':')}::/${IPV6_BITS}`;
}
