import { ack, cancel, type HeaderField, type Message, respond, scan, to, topVia, type ViaStamp } from '../sip/index.ts';
import type { OutgoingRequest } from './types.ts';

/** What we have built ourselves may be a few lines longer than what we take from others. */
const UNLIMITED = {
  headerBytes: Number.MAX_SAFE_INTEGER,
  headerCount: Number.MAX_SAFE_INTEGER,
  bodyBytes: Number.MAX_SAFE_INTEGER,
};

/** The automatic 100 (RFC 3261 8.2.6.1, 17.2.1). */
export function trying(request: Message, stamp: ViaStamp): string {
  return respond(request, 100, 'Trying', { via: stamp });
}

/** The ACK to a non-2xx response (RFC 3261 17.1.1.3); '' where the text is not an INVITE. */
export function ackFor(invite: string, response: Message): string {
  const request = read(invite);
  return request === undefined ? '' : ack(request, response);
}

/** The CANCEL for an INVITE as it was sent (RFC 3261 9.1): "single Via header field value matching the top Via value". */
export function cancelFor(invite: string, headers: readonly HeaderField[]): OutgoingRequest | undefined {
  const request = read(invite);
  const branch = request && topVia(request)?.branch;
  return request === undefined || branch === undefined ? undefined : { text: cancel(request, headers), method: 'CANCEL', branch };
}

/** The To tag of a response of our own. */
export function toTagOf(response: string): string | undefined {
  const message = read(response);
  return message && to(message)?.tag;
}

function read(text: string): Message | undefined {
  const scanned = scan(text, UNLIMITED, 'datagram');
  return scanned.ok ? scanned.message : undefined;
}
