import { contacts, type HeaderField, header, type Message, recordRoutes } from '../../shim/core/sip/index.ts';
import { SDP } from './sip-text.ts';

/** One side of a call at a phone. */
export interface PhoneCall {
  readonly callId: string;
  /** This side's From (or To) value with its tag, and the other side's. */
  readonly local: string;
  remote: string;
  readonly invite: Message | undefined;
  readonly transaction: string;
  state: 'early' | 'up' | 'over';
  target: string;
  routes: string[];
  cseq: number;
  /** The 2xx that is sent again until its ACK comes (RFC 3261 13.3.1.4). */
  answer: string;
  /** The transaction that it answers, and its CSeq number: that of the ACK which ends the repeating. */
  answered: { readonly id: string; readonly cseq: number };
  repeat: number;
  cancelled: boolean;
  /** Put on hold by the side that did it last, as this side sees it. */
  held: boolean;
  /** This side's re-INVITE that is under way. */
  changing: string | undefined;
  /** How it ended; undefined while it lasts. */
  end: CallEnd | undefined;
}

/** `no-ack`: the 2xx was never acknowledged. `lost`: a request of this side was never answered. `gone`: the other side knew of no call. */
export type CallEnd = 'hung-up' | 'hung-up-there' | 'cancelled' | 'replaced' | 'no-ack' | 'lost' | 'gone' | `refused ${number}`;

/** An offer that puts on hold (RFC 3264 8.4). */
export const HELD_SDP = SDP.replace('m=audio', 'a=sendonly\r\nm=audio');
/** A call that has just begun. */
export const FRESH = {
  answer: '',
  answered: { id: '', cseq: 0 },
  repeat: 0,
  cancelled: false,
  held: false,
  changing: undefined,
  end: undefined,
};

/** A request of this phone; `held` where it is a new offer. */
export interface Asked {
  readonly method: string;
  readonly call: PhoneCall | undefined;
  readonly held?: boolean;
}

/** What a request within a call has beside what it always has. */
export interface Within {
  readonly cseq?: number;
  readonly headers?: readonly HeaderField[];
  readonly body?: string;
  readonly held?: boolean;
}

/** Ends a call, once. */
export function end(call: PhoneCall, how: CallEnd): void {
  if (call.state === 'over') return;
  call.state = 'over';
  call.end = how;
}

/** What a response that makes a dialog says of the other side (RFC 3261 12.1.2). */
export function peerOf(m: Message): Pick<PhoneCall, 'remote' | 'target' | 'routes'> {
  const peer = contacts(m);
  return {
    remote: header(m, 'to') as string,
    target: (peer.ok && peer.contacts[0]?.uri) || '',
    routes: (recordRoutes(m) ?? []).map((r) => `<${r.uri}>`).reverse(),
  };
}
