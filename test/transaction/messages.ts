import { DEFAULT_MESSAGE_LIMITS, type Message, request, respond, scan } from '../../shim/core/sip/index.ts';
import type { Flow, Target } from '../../shim/core/transport.ts';

export const UDP: Target = { transport: 'udp', host: '192.0.2.2', port: 5060 };
export const TCP: Target = { transport: 'tcp', host: '192.0.2.2', port: 5060 };

/** Where the requests of these tests come in. */
export const FLOW: Flow = {
  transport: 'udp',
  local: { address: '192.0.2.2', port: 5060 },
  remote: { address: '192.0.2.1', port: 5060 },
};
export const TCP_FLOW: Flow = { ...FLOW, transport: 'tcp', remote: { address: '192.0.2.1', port: 49_152 }, connection: 7 };

export interface Parts {
  readonly branch?: string;
  readonly host?: string;
  readonly to?: string;
  readonly from?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly uri?: string;
  readonly viaParams?: string;
  readonly transport?: string;
  readonly routes?: readonly string[];
}

export function text(method: string, parts: Parts = {}): string {
  const branch = parts.branch ?? 'z9hG4bK1';
  const via = `SIP/2.0/${parts.transport ?? 'UDP'} ${parts.host ?? '192.0.2.1:5060'}${branch === '' ? '' : `;branch=${branch}`}${parts.viaParams ?? ''}`;
  return request({
    method,
    uri: parts.uri ?? 'sip:bob@example.com',
    via,
    from: parts.from ?? '<sip:alice@example.com>;tag=a',
    to: parts.to ?? '<sip:bob@example.com>',
    callId: parts.callId ?? 'call-1',
    cseq: parts.cseq ?? 1,
    ...(parts.routes !== undefined && { routes: parts.routes }),
  });
}

export function parse(raw: string): Message {
  const scanned = scan(raw, DEFAULT_MESSAGE_LIMITS, 'datagram');
  if (!scanned.ok) throw new Error(`${scanned.reason}: ${raw}`);
  return scanned.message;
}

export const received = (method: string, parts: Parts = {}): Message => parse(text(method, parts));

/** The answer to a request of ours, as it comes back. */
export function answer(requestText: string, status: number, toTag = 'b'): Message {
  return parse(respond(parse(requestText), status, '', { toTag }));
}
