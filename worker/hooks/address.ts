/**
 * Addresses that nothing is delivered to unless WEBHOOK_ALLOW_PRIVATE says so: whoever may make a webhook must not reach through the Worker
 * what only the Worker's own network reaches. Names that resolve to such an address are a matter of the runtime (docs/webhooks.md).
 */

/** IPv4 networks that are not public (RFC 6890, RFC 5737, RFC 2544, RFC 6598, RFC 5771). */
const PRIVATE_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** Names that are found on the own machine or network alone (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`). */
const PRIVATE_SUFFIXES = ['localhost', 'local', 'internal', 'home.arpa', 'localdomain', 'lan', 'intranet', 'corp', 'home'];

/**
 * Whether a host, as the URL standard's parser leaves it (IPv4 in whatever spelling is dotted decimal then, IPv6 is compressed and in
 * brackets, names are in lower case), is one of the own machine or of a private network.
 */
export function isPrivateHost(host: string): boolean {
  if (host.startsWith('[')) return isPrivateV6(host.slice(1, -1));
  const v4 = parseV4(host);
  if (v4 !== undefined) return isPrivateV4(v4);
  const name = host.replace(/\.+$/, '');
  if (!name.includes('.')) return true;
  return PRIVATE_SUFFIXES.some((suffix) => name.endsWith(`.${suffix}`));
}

function isPrivateV4(address: number): boolean {
  return PRIVATE_V4.some(([network, bits]) => {
    const shift = 32 - bits;
    return address >>> shift === (parseV4(network) as number) >>> shift;
  });
}

/** Everything but global unicast, and of that what carries an IPv4 address with it is what that address is. */
function isPrivateV6(text: string): boolean {
  const groups = parseV6(text);
  if (groups === undefined) return true;
  const [a, b, c, d, e, f, g, h] = groups as [number, number, number, number, number, number, number, number];
  // RFC 4291 2.5.5.2, RFC 6052 2.1: IPv4-mapped addresses, and those of NAT64.
  const mapped = [a, b, c, d, e].every((group) => group === 0) && (f === 0xffff || f === 0);
  const translated = a === 0x64 && b === 0xff9b && [c, d, e, f].every((group) => group === 0);
  if (mapped || translated) return isPrivateV4(((g << 16) | h) >>> 0);
  // RFC 4291 2.4: global unicast is 2000::/3 so far.
  if (a >> 13 !== 1) return true;
  // RFC 3056: 6to4. RFC 4380: Teredo. RFC 3849, 9637: documentation. RFC 2928: 2001::/23 is for protocols.
  if (a === 0x2002) return isPrivateV4(((b << 16) | c) >>> 0);
  if (a === 0x2001 && (b < 0x200 || b === 0xdb8)) return true;
  return a === 0x3fff && b < 0x1000;
}

/** Dotted decimal as a number; undefined for anything else. */
function parseV4(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((value, part) => ((value << 8) | part) >>> 0, 0);
}

/** The eight groups of an IPv6 address without a zone; undefined for anything else. */
function parseV6(text: string): number[] | undefined {
  const halves = text.split('::');
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  if (halves.length > 2 || (halves.length === 2 ? missing < 1 : missing !== 0)) return undefined;
  const groups = [...head, ...new Array<string>(Math.max(0, missing)).fill('0'), ...tail];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.map((group) => Number.parseInt(group, 16));
}
