import { AddressSet } from '../address-set.ts';
import type { Binding } from '../registrar/binding.ts';
import { flowOfBinding } from '../registrar/outbound.ts';
import { parseIpv4, parseUri, type SipUri } from '../sip/index.ts';
import { defaultPort, type Flow, type Target, transportNamed, withoutZone } from '../transport.ts';
import { targetOfFlow } from './flow-token.ts';

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
  if (host.includes(':') || parseIpv4(host) !== undefined) return { transport, host, port };
  // RFC 3263 4.1: "if no transport protocol or port is specified, and the target is not a numeric IP address, the client SHOULD perform a
  // NAPTR query for the domain in the URI."
  const open = !uri.params.has('transport');
  return { transport, host, port, named: true, ...(open && { open }) };
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

/** Addresses that are no one's alone (RFC 1918, 6598, 3927, 4193, 4291 2.5.6): a Contact with such a one may stand for anybody. */
const PRIVATE = AddressSet.of([
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
]);

/**
 * Is whoever sent something over that flow reached at the address that its Contact names. Not by WebSocket, as only the browser can open one
 * (RFC 7118 5), nor at an address of a private network that is not the one it came from.
 */
export function isReachable({ host, transport }: Target, flow: Flow): boolean {
  if (flow.transport === 'ws' || flow.transport === 'wss' || transport === 'ws' || transport === 'wss') return false;
  return host === withoutZone(flow.remote.address) || !(PRIVATE.has(host) || host.toLowerCase().endsWith('.invalid'));
}

/**
 * A phone that registered over a connection is reached by that connection while it is open (RFC 5626 5.3 in spirit), by its Contact
 * after that; one that asked for flows (RFC 5626) by its flow alone. Any other is reached by its Contact, from the address at which it registered;
 * one behind NAT where its registration came from.
 */
export function targetOfBinding(binding: Binding): Target | undefined {
  const { contact, flow } = binding;
  const uri = parseUri(contact);
  const target = uri && targetOf(uri);
  if (flow.connection !== undefined && flowOfBinding(binding)) return targetOfFlow(flow);
  if (target && flow.transport === 'udp') return datagramTarget(target, flow);
  if (flow.transport === 'udp' || flow.connection === undefined) return target;
  const { address: host, port } = flow.remote;
  const fallback = target?.transport === flow.transport ? target : { host, port };
  return { ...fallback, transport: flow.transport, connection: flow.connection };
}

/** Where a phone is reached that registered over UDP. */
function datagramTarget(target: Target, { local, remote }: Flow): Target {
  const { address, port } = remote;
  if (target.host === address || target.transport !== 'udp') return { ...target, local };
  // The Contact of a link-local address cannot tell on which link: the registration did (RFC 4007 6).
  if (target.host === withoutZone(address)) return { ...target, host: address, local };
  // A private address in the Contact that is not the one it came from: there is a NAT between, which lets in what comes back by the same way.
  return PRIVATE.has(target.host) ? { transport: 'udp', host: address, port, behindNat: true, local } : { ...target, local };
}
