/**
 * RFC 9110 12.5.1: the one of the offered media types that a request prefers, by the q values of `Accept`, the more specific range counting
 * before the less specific; of equals the first. Undefined where it accepts none.
 */
export function preferred<T extends string>(accept: string | undefined, offers: readonly T[]): T | undefined {
  if (accept === undefined || accept.trim() === '') return offers[0];
  const ranges = accept.split(',').flatMap((text) => rangeOf(text) ?? []);
  let best: T | undefined;
  let most = 0;
  for (const offer of offers) {
    const q = qualityOf(offer, ranges);
    if (q > most) [best, most] = [offer, q];
  }
  return best;
}

interface Range {
  readonly type: string;
  readonly q: number;
}

/** `type/subtype;q=0.5`; other parameters are not looked at. Undefined for what is no media range. */
function rangeOf(text: string): Range | undefined {
  const [type = '', ...params] = text.split(';').map((part) => part.trim().toLowerCase());
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+\/[!#$%&'*+.^_`|~0-9a-z-]+$/.test(type)) return undefined;
  const weight = params.find((param) => /^q\s*=/.test(param));
  if (weight === undefined) return { type, q: 1 };
  const value = weight.replace(/^q\s*=\s*/, '');
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(value) ? { type, q: Number(value) } : undefined;
}

function qualityOf(offer: string, ranges: readonly Range[]): number {
  for (const type of [offer, offer.replace(/\/.*/, '/*'), '*/*']) {
    const range = ranges.find((other) => other.type === type);
    if (range !== undefined) return range.q;
  }
  return 0;
}
