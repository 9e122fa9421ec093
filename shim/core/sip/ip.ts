/**
 * RFC 5118 4.10: the grammar of RFC 3261 lets a third colon stand before an embedded IPv4 address, and "an implementation must tolerate
 * both of the above constructs". It is dropped here, so that what goes on is an address.
 */
export function withoutThirdColon(host: string): string {
  return host.includes(':::') ? host.replace(/:::(?=\d+\.)/, '::') : host;
}

/** The eight groups of an IPv6 address (RFC 4291 2.2, without brackets and zone), or undefined where the text is none. */
export function parseIpv6(text: string): number[] | undefined {
  if (text.length < 2 || text.length > 45) return undefined;
  const halves = withoutThirdColon(text).split('::');
  if (halves.length > 2) return undefined;
  const head = groups(halves[0] as string, halves.length === 1);
  const tail = halves.length === 2 ? groups(halves[1] as string, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  if (halves.length === 1) return head.length === 8 ? head : undefined;
  const missing = 8 - head.length - tail.length;
  // "::" stands for one or more groups of zeros.
  return missing < 1 ? undefined : [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** Groups between colons; the last may be an IPv4 address where `last` says that the address ends here. */
function groups(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const out: number[] = [];
  const parts = text.split(':');
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as string;
    if (last && i === parts.length - 1 && part.includes('.')) {
      const v4 = parseIpv4(part);
      if (v4 === undefined) return undefined;
      out.push(((v4[0] as number) << 8) | (v4[1] as number), ((v4[2] as number) << 8) | (v4[3] as number));
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      out.push(Number.parseInt(part, 16));
    }
  }
  return out;
}

/** The four numbers of an IPv4 address in dotted decimal, or undefined. */
export function parseIpv4(text: string): number[] | undefined {
  if (text.length < 7 || text.length > 15 || !/^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(text)) return undefined;
  const out = text.split('.').map(Number);
  return out.every((n) => n <= 255) ? out : undefined;
}

/**
 * One spelling for each host, for comparing: lower case, no dot at the end, IPv6 without brackets as eight groups (RFC 5954 4.2 compares
 * addresses by their value).
 */
export function canonicalHost(host: string): string {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  const v6 = bare.includes(':') ? parseIpv6(bare) : undefined;
  if (v6 !== undefined) return v6.map((group) => group.toString(16)).join(':');
  return bare.toLowerCase().replace(/\.$/, '');
}
