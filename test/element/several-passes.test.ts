import { describe, expect, it } from 'vitest';
import type { Message } from '../../shim/core/sip/index.ts';
import { answerTo, flow, type TestElement, testElement } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';

/** Another proxy, between whose branches and passes this shim stands. */
const PROXY = flow(8, 5080);
const UPSTREAM = { transport: 'udp', host: '127.0.0.8', port: 5080 } as const;

const inviteIn = (result: ReturnType<TestElement['receive']>): Message =>
  result.messages.find((m) => m.method === 'INVITE' && m.status === 0) as Message;

/** The other proxy forks one INVITE of a caller who is not from here to Bob and Carol. */
function forked() {
  const shim = testElement();
  shim.register('bob', flow(3));
  shim.register('carol', flow(4));
  shim.told();
  const branch = (user: string) =>
    inviteIn(
      shim.receive(
        requestText('INVITE', {
          uri: `sip:${user}@example.com`,
          via: `SIP/2.0/UDP 127.0.0.8:5080;branch=z9hG4bK${user}`,
          from: '<sip:x@far.example>;tag=f',
          to: '<sip:sales@far.example>',
          body: SDP,
        }),
        PROXY,
      ),
    );
  const [bob, carol] = [branch('bob'), branch('carol')];
  return {
    shim,
    told: shim.told,
    bob: (status: number) => shim.receive(answerTo(bob, status, { tag: 'bob', body: SDP }), flow(3)),
    carol: (status: number) => shim.receive(answerTo(carol, status, { tag: 'carol', body: SDP }), flow(4)),
    bye: () =>
      shim.receive(
        requestText('BYE', {
          uri: 'sip:carol@127.0.0.4:5060',
          from: '<sip:x@far.example>;tag=f',
          to: '<sip:sales@far.example>;tag=carol',
          cseq: 2,
          headers: ['Route: <sip:127.0.0.1:5060;lr>'],
        }),
        PROXY,
      ),
  };
}

describe('Offhook a call that another proxy forks to several users here', () => {
  it('shows each callee what that callee does, and nothing of the others', () => {
    const call = forked();
    call.bob(180);
    call.carol(180);
    expect(call.told()).toEqual(['bob early', 'carol early']);
    call.carol(200);
    expect(call.told()).toEqual(['carol talking']);
    call.bob(487);
    expect(call.told()).toEqual(['bob idle']);
    call.bye();
    expect(call.told()).toEqual(['carol terminating']);
    call.shim.expire(41_000);
    expect(call.told()).toEqual(['carol idle']);
    expect(call.shim.element.presence.tracker.calls.size).toBe(0);
  });

  it('goes on for one where the other rejects first', () => {
    const call = forked();
    call.bob(180);
    call.carol(180);
    call.bob(486);
    call.told();
    call.carol(200);
    expect(call.told()).toEqual(['carol talking']);
  });
});

describe('Offhook a call that goes out to another proxy and comes back', () => {
  it('shows caller and callee, each where it passes', () => {
    const shim = testElement({ upstream: UPSTREAM });
    shim.register('alice', flow(2));
    shim.register('bob', flow(3));
    shim.told();
    const out = inviteIn(
      shim.receive(requestText('INVITE', { uri: 'sip:1@far.example', to: '<sip:1@far.example>', body: SDP }), flow(2)),
    );
    const back = out.text
      .replace('INVITE sip:1@far.example', 'INVITE sip:bob@example.com')
      .replace('\r\nVia: ', '\r\nVia: SIP/2.0/UDP 127.0.0.8:5080;branch=z9hG4bKup\r\nVia: ');
    const toBob = inviteIn(shim.receive(back, PROXY));
    const both = (status: number, own: (typeof shim)['told']) => {
      shim.receive(answerTo(toBob, status, { body: SDP }), flow(3));
      const first = own();
      shim.receive(answerTo(out, status, { body: SDP }), PROXY);
      return [first, own()];
    };
    expect(both(180, shim.told)).toEqual([['bob early'], ['alice early']]);
    expect(both(200, shim.told)).toEqual([['bob talking'], ['alice talking']]);
    const bye = requestText('BYE', {
      uri: 'sip:bob@127.0.0.3:5060',
      to: '<sip:1@far.example>;tag=b',
      cseq: 2,
      headers: ['Route: <sip:127.0.0.1:5060;lr>, <sip:127.0.0.8:5080;lr>, <sip:127.0.0.1:5060;lr>'],
    });
    shim.receive(bye, flow(2));
    expect(shim.told()).toEqual(['alice terminating', 'bob terminating']);
    shim.expire(41_000);
    expect(shim.told().sort()).toEqual(['alice idle', 'bob idle']);
  });
});

describe('Offhook limits of what is followed', () => {
  it('follows no more dialogs of a call than a fork has, and relays every answer', () => {
    const shim = testElement();
    shim.register('bob', flow(3));
    const invite = inviteIn(shim.receive(requestText('INVITE', { body: SDP }), flow(66)));
    const written = Array.from({ length: 200 }, (_, i) => {
      const { sent, ops } = shim.receive(answerTo(invite, 200, { tag: `t${i}`, body: SDP }), flow(3));
      expect(sent).toHaveLength(1);
      return ops.length;
    });
    expect(written.lastIndexOf(1)).toBe(31);
  });

  it('follows no more calls of one Call-ID than a fork has, and relays them all', () => {
    const shim = testElement();
    shim.register('bob', flow(3));
    for (let i = 0; i < 100; i++) {
      const { sent } = shim.receive(requestText('INVITE', { from: `<sip:x@far.example>;tag=f${i}`, body: SDP }), flow(66));
      expect(sent).toHaveLength(1);
    }
    expect([shim.element.presence.tracker.calls.size, shim.element.presence.tracker.untracked]).toEqual([64, 36]);
  });
});
