import { isIP } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type PeerCertificate,
  rootCertificates,
  type SecureContext,
  type SecureContextOptions,
  type TlsOptions,
} from 'node:tls';

/** RFC 9325 3.1.1: nothing older is offered or taken. */
const MIN_VERSION = 'TLSv1.2';

/** A certificate with its key, PEM. `name`: the host names for which it is shown (SNI); undefined: wherever no other fits. */
export interface Certificate {
  readonly name?: string;
  readonly cert: string;
  readonly key: string;
}

export interface TlsMaterial {
  /** What this element shows of itself; the first without a name, else the first, is the default. Empty where it takes no TLS. */
  readonly certificates: readonly Certificate[];
  /** Certification authorities (PEM) that are trusted beside those of the system. */
  readonly ca?: string;
  /** Whether the certificates of those we connect to are checked. */
  readonly verify: boolean;
}

/** The TLS settings in force, shared by all listeners and connections. */
export interface TlsContext {
  server(): TlsOptions;
  /** For a connection to that host, a name or an IP literal. */
  client(host: string): ConnectionOptions;
  /** Calls `renew` at each reload, as long as the process lives. */
  onReload(renew: (options: SecureContextOptions) => void): void;
  /** New connections use this; those that are open go on. Throws, and changes nothing, where it cannot be used. */
  reload(material: TlsMaterial): void;
}

export function tlsContext(material: TlsMaterial): TlsContext {
  let loaded = load(material);
  const renewals: ((options: SecureContextOptions) => void)[] = [];
  return {
    server: () => ({
      ...loaded.base,
      // RFC 6066 3: the certificate for the name that the client asks for.
      SNICallback: (name, done) => done(null, loaded.contextFor(name)),
    }),
    client: (host) => ({
      secureContext: loaded.clientContext,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      rejectUnauthorized: loaded.verify,
      checkServerIdentity: (_name, certificate) => (loaded.verify ? identityProblem(host, certificate) : undefined),
    }),
    onReload: (renew) => renewals.push(renew),
    reload(next) {
      loaded = load(next);
      for (const renew of renewals) renew(loaded.base);
    },
  };
}

function load({ certificates, ca, verify }: TlsMaterial) {
  const chosen = certificates.find(({ name }) => name === undefined) ?? certificates[0];
  const base: SecureContextOptions = {
    minVersion: MIN_VERSION,
    ...(chosen && { cert: chosen.cert, key: chosen.key }),
  };
  const fallback = createSecureContext(base);
  const named = certificates.flatMap(({ name, cert, key }) =>
    name === undefined ? [] : [[name.toLowerCase(), createSecureContext({ minVersion: MIN_VERSION, cert, key })] as const],
  );
  return {
    base,
    verify,
    // What this element shows as a server it shows as a client too: RFC 5922 7.5, and the other side may ask for it.
    clientContext: createSecureContext({ ...base, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) }),
    contextFor(asked: string): SecureContext {
      const name = asked.toLowerCase();
      return (
        named.find(([own]) => own === name || (own.startsWith('*.') && name.slice(name.indexOf('.')) === own.slice(1)))?.[1] ??
        fallback
      );
    },
  };
}

/** One value of subjectAltName as Node prints it: those with odd characters are quoted, so that none can pass for two. */
const ALTERNATIVE = /(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^,]*)/g;

/**
 * RFC 5922 7.1, 7.2: whom a certificate is for. "If the URI scheme is "sip" [...] the domain is the host part"; only where there is no such
 * URI are the DNS names looked at; and "Implementations MUST NOT match any form of wildcard, such as a leading "." or "*."". An address
 * must be named as such. Undefined where `host` is one of them.
 */
export function identityProblem(host: string, certificate: PeerCertificate): Error | undefined {
  if (isIP(host) !== 0) return checkServerIdentity(host, certificate);
  const uris: string[] = [];
  const names: string[] = [];
  for (const [, kind, value = ''] of (certificate.subjectaltname ?? '').matchAll(ALTERNATIVE)) {
    const text = value.startsWith('"') ? unquoted(value) : value;
    if (kind === 'DNS') names.push(text.toLowerCase());
    // "The URI MUST NOT have a userinfo part": such a one is for a user, not for a domain.
    const uri = kind === 'URI' ? /^sip:([a-z0-9.-]+)$/i.exec(text) : null;
    if (uri) uris.push((uri[1] as string).toLowerCase());
  }
  const subject = certificate.subject?.CN;
  // "If the certificate contains no subjectAltName, [...] the CN" (7.1 step 3): a certificate of old.
  const identities =
    uris.length > 0 ? uris : names.length > 0 ? names : typeof subject === 'string' ? [subject.toLowerCase()] : [];
  if (identities.includes(host.toLowerCase())) return undefined;
  return new Error(`the certificate is not for ${host} but for ${identities.slice(0, 5).join(', ') || 'nobody'}`);
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return '';
  }
}
