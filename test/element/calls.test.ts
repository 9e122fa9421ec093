import { describe, expect, it } from 'vitest';
import type { Message } from '../../shim/core/sip/index.ts';
import { answerTo, flow, summary, type TestElement, testElement } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';

const DIALOG = { to: '<sip:bob@example.com>;tag=b' };
const ROUTED = { uri: 'sip:bob@127.0.0.3:5060', headers: ['Route: <sip:127.0.0.1:5060;lr>'] };

/** Alice calls Bob through the shim; each step passes one message. */
function call(shim: TestElement, options: { offer?: 'early' | 'delayed' } = {}) {
  const body = options.offer === 'delayed' ? {} : { body: SDP };
  const invited = shim.receive(requestText('INVITE', body), flow(2));
  const invite = invited.messages.find((m) => m.method === 'INVITE') as Message;
  let bye: Message | undefined;
  return {
    ring: () => shim.receive(answerTo(invite, 180), flow(3)),
    ok: () => shim.receive(answerTo(invite, 200, { body: SDP }), flow(3)),
    busy: () => shim.receive(answerTo(invite, 486), flow(3)),
    ack: () => shim.receive(requestText('ACK', { ...DIALOG, ...ROUTED }), flow(2)),
    bye: () => {
      const result = shim.receive(requestText('BYE', { ...DIALOG, ...ROUTED, cseq: 2 }), flow(2));
      bye = result.messages.find((m) => m.method === 'BYE');
      return result;
    },
    byeOk: () => shim.receive(answerTo(bye as Message, 200), flow(3)),
  };
}

function office(...users: ('alice' | 'bob')[]) {
  return (otherwise: Parameters<typeof testElement>[0] = {}) => {
    const shim = testElement(otherwise);
    for (const user of users) shim.register(user, flow(user === 'alice' ? 2 : 3));
    shim.told();
    return shim;
  };
}

const both = office('alice', 'bob');

describe('FIG. 1, 2 who is reported', () => {
  it('reports both parties where both are registered here', () => {
    const shim = both();
    const c = call(shim);
    expect(shim.told()).toEqual([]);
    c.ring();
    expect(shim.told()).toEqual(['alice early', 'bob early']);
    c.ok();
    c.ack();
    expect(shim.told()).toEqual(['alice talking', 'bob talking']);
    c.bye();
    expect(shim.told()).toEqual(['alice terminating', 'bob terminating']);
    c.byeOk();
    expect(shim.told()).toEqual(['alice idle', 'bob idle']);
    expect(shim.element.presence.tracker.calls.size).toBe(0);
  });

  it('reports the callee alone where the caller is registered elsewhere', () => {
    const shim = office('bob')();
    const c = call(shim);
    c.ring();
    c.ok();
    expect(shim.told()).toEqual(['bob early', 'bob talking']);
  });

  it('reports nothing in the middle of a chain', () => {
    const shim = testElement({ upstream: { transport: 'udp', host: '127.0.0.3', port: 5060 } });
    const text = requestText('INVITE', { uri: 'sip:bob@far.example', from: '<sip:alice@near.example>;tag=a', body: SDP });
    const [invite] = shim.receive(text, flow(2)).messages;
    shim.receive(answerTo(invite as Message, 180), flow(3));
    shim.receive(answerTo(invite as Message, 200, { body: SDP }), flow(3));
    expect(shim.told()).toEqual([]);
    expect(shim.element.presence.tracker.calls.size).toBe(0);
  });

  it('does not believe a From that comes from where its user is not registered', () => {
    const shim = both();
    const [invite] = shim.receive(requestText('INVITE', { body: SDP }), flow(66)).messages;
    shim.receive(answerTo(invite as Message, 180), flow(3));
    expect(shim.told()).toEqual(['bob early']);
  });

  it('tells what FIG. 12 asks for: peer, media, codec, session type, terminal', () => {
    const shim = testElement();
    shim.register('alice', flow(2));
    expect(shim.reports.at(-1)).toMatchObject({
      status: 'online',
      terminal: { contact: 'sip:alice@127.0.0.2:5060', address: '127.0.0.2:5060', expires: null },
    });
    shim.register('bob', flow(3));
    const c = call(shim);
    c.ring();
    c.ok();
    expect(shim.reports.at(-1)).toMatchObject({
      user: 'sip:bob@example.com',
      call: {
        callId: 'call-1',
        direction: 'incoming',
        state: 'confirmed',
        peer: { uri: 'sip:alice@example.com' },
        media: [{ type: 'audio', codec: 'PCMA', direction: 'sendrecv' }],
        session: 'voice',
      },
    });
  });
});

describe('FIG. 3, 4, 5, 6 through the whole element', () => {
  it.each([
    ['on-answer', 'early', 'ok'],
    ['on-answer', 'delayed', 'ok'],
    ['on-ack', 'early', 'ack'],
    ['on-ack', 'delayed', 'ack'],
    ['auto', 'early', 'ok'],
    ['auto', 'delayed', 'ack'],
  ] as const)('talking %s, offer %s: told at the %s', (talking, offer, when) => {
    const shim = both({ tracker: { talking } });
    const c = call(shim, { offer });
    c.ring();
    shim.told();
    c.ok();
    expect(shim.told()).toEqual(when === 'ok' ? ['alice talking', 'bob talking'] : []);
    c.ack();
    expect(shim.told()).toEqual(when === 'ack' ? ['alice talking', 'bob talking'] : []);
  });

  it.each([
    ['on-bye', ['alice terminating', 'bob terminating'], ['alice idle', 'bob idle']],
    ['on-bye-answer', [], ['alice terminating', 'bob terminating', 'alice idle', 'bob idle']],
  ] as const)('terminating %s', (terminating, atBye, atAnswer) => {
    const shim = both({ tracker: { terminating } });
    const c = call(shim);
    c.ok();
    shim.told();
    c.bye();
    expect(shim.told()).toEqual(atBye);
    c.byeOk();
    expect(shim.told().sort()).toEqual([...atAnswer].sort());
  });

  it('ends a call whose BYE nobody answers, without a 408 (RFC 4320 4.2)', () => {
    const shim = both();
    const c = call(shim);
    c.ok();
    c.bye();
    shim.told();
    const sent: string[] = [];
    for (let i = 0; i < 65; i++) sent.push(...summary(shim.expire(500)));
    expect(sent.filter((s) => s.startsWith('408'))).toEqual([]);
    expect(shim.told()).toEqual(['alice idle', 'bob idle']);
  });

  it('a phone that rings at once and is refused leaves nobody ringing', () => {
    const shim = both();
    const c = call(shim);
    c.ring();
    c.busy();
    c.ring();
    expect(shim.told()).toEqual(['alice early', 'bob early', 'alice idle', 'bob idle']);
  });
});

describe('FIG. 7 on-line and off-line', () => {
  it('tells the first registration, no refresh, and the end', () => {
    const shim = testElement();
    shim.register('alice', flow(2));
    shim.register('alice', flow(2));
    shim.register('alice', flow(2), 0);
    expect(shim.told()).toEqual(['alice online', 'alice offline']);
  });

  it('tells refreshes where the Worker keeps expiry', () => {
    const shim = testElement({ reporter: { expiry: 'server' } });
    shim.register('alice', flow(2), 100);
    shim.expire(50_000);
    shim.register('alice', flow(2), 100);
    expect(shim.reports.map((r) => r.status === 'online' && r.terminal.expires)).toEqual([
      shim.at.now - 50_000 + 100_000,
      shim.at.now + 100_000,
    ]);
  });

  it('tells an expiry, and goes on reporting the call of a user whose registration ran out in it', () => {
    const shim = testElement();
    shim.register('alice', flow(2), 3600);
    shim.register('bob', flow(3), 60);
    shim.told();
    const c = call(shim);
    c.ok();
    shim.told();
    shim.expire(60_000);
    expect(shim.told()).toEqual(['bob offline']);
    c.bye();
    c.byeOk();
    expect(shim.told()).toEqual(['alice terminating', 'bob terminating', 'alice idle', 'bob idle']);
  });

  it('answers the REGISTER only when the binding is on disk', () => {
    const result = testElement().register('alice', flow(2));
    expect(result.ops[0]).toMatchObject({ op: 'binding-put' });
    expect(result.sent[0]).toMatchObject({ durable: true });
  });
});

describe('Offhook presence never breaks a call', () => {
  it('relays on though everything behind the relay fails', () => {
    const shim = both();
    for (const method of ['request', 'response', 'bindings'] as const) {
      shim.element.presence[method] = () => {
        throw new Error('defect');
      };
    }
    const c = call(shim);
    expect(summary(c.ring())).toEqual(['180 > 127.0.0.2:5060']);
    const answered = c.ok();
    expect(summary(answered)).toEqual(['200 > 127.0.0.2:5060']);
    expect(answered.defects).toHaveLength(1);
    expect(summary(c.bye())).toEqual(['BYE > 127.0.0.3:5060']);
    expect(summary(shim.register('alice', flow(2)))).toEqual(['200 > 127.0.0.2:5060']);
  });
});
