import { canonicalAor, domainOf, isNumber } from '#protocol';
import type { Self } from '../proxy/self.ts';
import { Recent } from '../recent.ts';
import { formatUri, parseUri, type SipUri } from '../sip/index.ts';
import { PLACE_MARK, parsePlace } from './token.ts';

/** Which numbers are which user. */
export interface NumberRule {
  /** The number without visual separators (RFC 3966 5.1.1), or what numbers begin with. */
  readonly number: string;
  /** True where all numbers that begin so are meant, the number itself among them. */
  readonly prefix: boolean;
  /** User part of the address of record; `*` in it stands for what follows the prefix. */
  readonly user: string;
  readonly domain: string;
}

export interface NamingSettings {
  /** Domains that are other names of one: alias to domain, both in lower case. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly numbers: readonly NumberRule[];
}

/** URIs of which it is remembered whose they are. */
const REMEMBERED = 1_000;

/**
 * The one answer to the question whose address of record a URI is: canonical form (RFC 3261 10.3 step 5), then domain aliases, then the
 * numbers of users. Used wherever a user is named: at registration, in routing, and in what is reported.
 */
export class Naming {
  readonly #aliases: ReadonlyMap<string, string>;
  readonly #exact = new Map<string, NumberRule>();
  readonly #prefixes = new Map<string, NumberRule>();
  /** Domains in which a user part that looks like a number is one of ours. */
  readonly #domains: ReadonlySet<string>;
  readonly #plain: boolean;
  readonly #found = new Recent((text) => this.#aorOf(text), REMEMBERED);

  /** `domains`: those served here, in lower case. */
  constructor({ aliases, numbers }: NamingSettings, domains: Iterable<string>) {
    this.#aliases = aliases;
    this.#domains = new Set(domains);
    for (const rule of numbers) (rule.prefix ? this.#prefixes : this.#exact).set(rule.number, rule);
    this.#plain = aliases.size === 0 && numbers.length === 0;
  }

  /** The canonical address of record that a URI, as text, stands for. Undefined where it is none. */
  aorOf(text: string): string | undefined {
    return this.#found.of(text);
  }

  #aorOf(text: string): string | undefined {
    // What a PBX was given as the name of a telephone stands for its user.
    const place = text.includes(PLACE_MARK) ? parsePlace(parseUri(text)?.user ?? '') : undefined;
    if (place) return canonicalAor(place.aor);
    const written = canonicalAor(text);
    // A number alone is a user's where a rule says so. Within a domain (RFC 3966 5.1.5) it is a user of that domain.
    if (written === undefined || isNumber(written)) return this.#ofTel(parseUri(text));
    if (this.#plain) return written;
    const host = domainOf(written);
    const domain = this.#aliases.get(host) ?? host;
    const user = written.slice('sip:'.length, -host.length - 1);
    const byNumber = this.#domains.has(domain) ? this.#ofNumber(user) : undefined;
    return byNumber ?? (domain === host ? written : `sip:${user}@${domain}`);
  }

  /** The user of this place whom a Request-URI names: one of a domain served here, or one whose number it is. Undefined for all others. */
  localUser(uri: SipUri, self: Self): string | undefined {
    if (uri.scheme === 'tel') {
      const named = this.aorOf(formatUri(uri));
      return named !== undefined && this.#domains.has(domainOf(named)) ? named : undefined;
    }
    const sip = uri.scheme === 'sip' || uri.scheme === 'sips';
    if (!sip || !self.servesDomain(uri)) return undefined;
    const phone = /^phone$/i.test(String(uri.params.get('user'))) ? ';user=phone' : '';
    return this.aorOf(`sip:${uri.user}@${uri.host}${phone}`);
  }

  #ofTel(uri: SipUri | undefined): string | undefined {
    return uri?.scheme === 'tel' ? this.#ofNumber(uri.user) : undefined;
  }

  #ofNumber(subscriber: string): string | undefined {
    // Extensions of a number that is a user's are that user too.
    const text = subscriber.replace(/;(?:ext|isub)=.*$/, '');
    if (!/^\+?[0-9*#().-]+$/.test(text)) return undefined;
    const digits = text.replace(/[-.()]/g, '');
    const exact = this.#exact.get(digits);
    if (exact) return canonicalAor(`sip:${exact.user.replace('*', digits)}@${exact.domain}`);
    if (this.#prefixes.size === 0) return undefined;
    // The longest prefix holds.
    for (let length = digits.length; length > 0; length--) {
      const rule = this.#prefixes.get(digits.slice(0, length));
      if (rule) return canonicalAor(`sip:${rule.user.replace('*', digits.slice(length))}@${rule.domain}`);
    }
    return undefined;
  }
}
