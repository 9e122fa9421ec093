import { describe, expect, it } from 'vitest';
import { type CallUpdate, LIMITS } from '#protocol';
import { identityOf } from '../../shim/core/report/identity.ts';
import type { Message } from '../../shim/core/sip/index.ts';
import { answerTo, flow, testElement } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';

/** Alice and Bob are registered; each call is Alice's to Bob, and rings. */
function office() {
  const shim = testElement();
  shim.register('alice', flow(2));
  shim.register('bob', flow(3));
  shim.told();
  const ring = (callId: string) => {
    const result = shim.receive(requestText('INVITE', { callId, body: SDP }), flow(2));
    const invite = result.messages.find((m) => m.method === 'INVITE') as Message;
    expect(shim.receive(answerTo(invite, 180), flow(3)).defects).toEqual([]);
    return invite;
  };
  return { ...shim, ring };
}

describe('Offhook limits of what is reported', () => {
  it('tells of no more calls of a user than the Worker takes, and relays all', () => {
    const { ring, told, receive, element } = office();
    const invites = Array.from({ length: LIMITS.calls + 1 }, (_, i) => ring(`call-${i}`));
    expect(told()).toEqual(Array.from({ length: LIMITS.calls }, () => ['alice early', 'bob early']).flat());
    const last = invites.at(-1) as Message;
    expect(receive(answerTo(last, 200, { body: SDP }), flow(3)).sent).toHaveLength(1);
    expect([told(), element.presence.reporter.untold]).toEqual([[], 4]);
    // One of those told of is over: there is room for what happens next.
    receive(answerTo(invites[0] as Message, 486), flow(3));
    ring('call-next');
    expect(told()).toEqual(['alice idle', 'bob idle', 'alice early', 'bob early']);
  });

  it('cuts a Call-ID that is longer than the Worker takes', () => {
    const { ring, reports } = office();
    ring('c'.repeat(2000));
    expect(reports.map((report) => (report as unknown as CallUpdate).call.callId)).toEqual([
      'c'.repeat(LIMITS.fieldLength),
      'c'.repeat(LIMITS.fieldLength),
    ]);
  });

  it.each([
    ['what is text already', 'plain@host', 'plain@host'],
    ['nothing', '', '\ufffd'],
    ['control characters', 'a\tb\x00c\x7f', 'a\ufffdb\ufffdc\ufffd'],
    ['UTF-8', '\xc3\xa4', '\xe4'],
    ['what is not UTF-8', '\xff', '\ufffd'],
    [
      'a pair of surrogates that the limit parts',
      `${'x'.repeat(LIMITS.fieldLength - 1)}\xf0\x9f\x93\x9e`,
      `${'x'.repeat(LIMITS.fieldLength - 1)}\ufffd`,
    ],
  ])('makes an identity of %s', (_, bytes, text) => {
    expect(identityOf(bytes)).toBe(text);
  });
});
