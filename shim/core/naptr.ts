import type { TransportName } from './transport.ts';

/** One NAPTR record (RFC 3403 4.1), without its regular expression, which SIP does not use (RFC 3263 4.1). */
export interface NaptrRecord {
  readonly flags: string;
  readonly service: string;
  /** Under which name the SRV records stand. */
  readonly replacement: string;
  readonly order: number;
  readonly preference: number;
}

/** RFC 3263 4.1: the services, and the transports that they mean. */
const SERVICES: { readonly [service: string]: TransportName } = { 'SIP+D2U': 'udp', 'SIP+D2T': 'tcp', 'SIPS+D2T': 'tls' };

/**
 * RFC 3263 4.1: what of the records is of use, the best first, by order and then by preference. `secure`: the URI is a SIPS URI. `had`: the
 * transports that can be used.
 */
export function orderNaptr(
  records: readonly NaptrRecord[],
  secure: boolean,
  had: ReadonlySet<TransportName>,
): { readonly transport: TransportName; readonly replacement: string }[] {
  return records
    .flatMap(({ flags, service, replacement, order, preference }) => {
      const transport = SERVICES[service.toUpperCase()];
      // "First, a client resolving a SIPS URI MUST discard any services that do not contain "SIPS" as the protocol in the service field."
      // "Second, a client MUST discard any service fields that identify a resolution service whose value is not "D2X", for values of X that
      // indicate transport protocols supported by the client."
      if (transport === undefined || !had.has(transport) || (secure && transport !== 'tls')) return [];
      return flags.toLowerCase() === 's' && replacement !== '' ? [{ transport, replacement, order, preference }] : [];
    })
    .toSorted((a, b) => a.order - b.order || a.preference - b.preference);
}
