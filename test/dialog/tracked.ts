import type { CallEvent } from '../../shim/core/dialog/call.ts';
import { DialogTracker, type Parties, type TrackerSettings } from '../../shim/core/dialog/tracker.ts';
import { request, response, SDP } from '../support/sip-text.ts';

export const HOUR = 3_600_000;

export const SETTINGS: TrackerSettings = {
  talking: 'auto',
  terminating: 'on-bye',
  dialogCap: 4 * HOUR,
  earlyCap: 200_000,
  byeCap: 40_000,
  maxDialogs: 10,
};

const PARTIES: Parties = {
  caller: { user: 'sip:alice@example.com', id: 'leg-a', peer: { uri: 'sip:bob@example.com' } },
  callee: { user: 'sip:bob@example.com', id: 'leg-b', peer: { uri: 'sip:alice@example.com' } },
};

const TALK = { to: '<sip:bob@example.com>;tag=b' };
/** In-dialog requests of the callee run under swapped tags. */
const FROM_CALLEE = { from: '<sip:bob@example.com>;tag=b', to: '<sip:alice@example.com>;tag=a' };

/** One call between alice and bob as the proxy would show it; each method passes one message and returns the story. */
export function tracked(settings: Partial<TrackerSettings> = {}, parties: Parties = PARTIES) {
  const tracker = new DialogTracker({ ...SETTINGS, ...settings });
  const at = { now: 1_000_000 };
  const story = (events: readonly CallEvent[]) => events.map((e) => (e.reason ? `${e.type} ${e.reason.cause}` : e.type));
  const ask = (method: string, parts = {}) => story(tracker.request(request(method, parts), () => parties, at.now));
  const answer = (status: number, method: string, parts = {}) => story(tracker.response(response(status, method, parts), at.now));
  return {
    tracker,
    at,
    ask,
    answer,
    invite: (offer: 'early' | 'delayed' = 'early') => ask('INVITE', offer === 'early' ? { body: SDP } : {}),
    ring: (parts = {}) => answer(180, 'INVITE', parts),
    ok: (parts = {}) => answer(200, 'INVITE', { body: SDP, ...parts }),
    ack: (parts = {}) => ask('ACK', { ...TALK, ...parts }),
    bye: (by: 'caller' | 'callee' = 'caller') => ask('BYE', { cseq: 2, ...(by === 'caller' ? TALK : FROM_CALLEE) }),
    byeAnswer: (status = 200, by: 'caller' | 'callee' = 'caller') =>
      answer(status, 'BYE', { cseq: 2, ...(by === 'caller' ? TALK : FROM_CALLEE) }),
    expire: (ms: number) => {
      at.now += ms;
      return story(tracker.expire(at.now));
    },
  };
}
