import type { Binding } from '../registrar/binding.ts';
import { parseIpv4, parseUri, type SipUri } from '../sip/index.ts';
import { defaultPort, type Target, transportNamed } from '../transport.ts';

/**
 * The transport address that a SIP URI names (RFC 3261 18.1.1; its name is looked up when something is sent). Undefined for a transport
 * not had here.
 */
export function targetOf(uri: SipUri): Target | undefined {
  const transport = transportOf(uri);
  if (transport === undefined) return undefined;
  const maddr = uri.params.get('maddr');
  const host = (typeof maddr === 'string' ? maddr : uri.host).replace(/^\[|\]$/g, '');
  // RFC 3263 4.2: "If the TARGET was not a numeric IP address, and no port was present in the URI, the client performs an SRV query".
  if (uri.port !== undefined) return { transport, host, port: uri.port };
  const port = defaultPort(transport);
  return host.includes(':') || parseIpv4(host) !== undefined ? { transport, host, port } : { transport, host, port, named: true };
}

function transportOf({ scheme, params }: SipUri) {
  const named = params.get('transport');
  const transport = typeof named === 'string' ? transportNamed(named) : undefined;
  if (named !== undefined && transport === undefined) return undefined;
  if (scheme === 'sip') return transport ?? 'udp';
  // RFC 3261 26.2.2: "sips" means TLS on every hop, whatever the transport below: `transport=tcp` is TLS over TCP, `ws` (RFC 7118) is
  // WebSocket over TLS. TLS over UDP is not had.
  if (scheme !== 'sips' || transport === 'udp') return undefined;
  return transport === 'ws' || transport === 'wss' ? 'wss' : 'tls';
}

/**
 * A phone that registered over a connection is reached by that connection while it is open (RFC 5626 5.3 in spirit), by its Contact
 * after that. Any other is reached by its Contact, from the address at which it registered.
 */
export function targetOfBinding({ contact, flow }: Binding): Target | undefined {
  const uri = parseUri(contact);
  const target = uri && targetOf(uri);
  if (target && flow.transport === 'udp') return { ...target, local: flow.local };
  if (flow.transport === 'udp' || flow.connection === undefined) return target;
  const { address: host, port } = flow.remote;
  const fallback = target?.transport === flow.transport ? target : { host, port };
  return { ...fallback, transport: flow.transport, connection: flow.connection };
}
