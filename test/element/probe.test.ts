import { describe, expect, it } from 'vitest';
import type { Message } from '../../shim/core/sip/index.ts';
import { header, headers } from '../../shim/core/sip/index.ts';
import type { Flow } from '../../shim/core/transport.ts';
import { answerTo, flow, type Outcome, summary, type TestElement, testElement } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';

const MINUTE = 60_000;
const PROBE = { interval: 5 * MINUTE, tries: 3, retry: 10_000, underWay: 100 };
const HOURS = 3_600_000;

const contact = (user: string, at: Flow) => {
  const { address, port } = at.remote;
  const host = address.includes(':') ? `[${address}]` : address;
  return `Contact: <sip:${user}@${host}:${port}${at.transport === 'tcp' ? ';transport=tcp' : ''}>`;
};

function up(shim: TestElement, a: Flow = flow(2), b: Flow = flow(3)) {
  shim.register('alice', a);
  shim.register('bob', b);
  const via = `SIP/2.0/${a.transport.toUpperCase()} x:5060;branch=z9hG4bKfirst`;
  const out = shim.receive(requestText('INVITE', { via, cseq: 7, body: SDP, headers: [contact('alice', a)] }), a);
  const invite = out.messages.find((m) => m.method === 'INVITE') as Message;
  const answer = answerTo(invite, 200, { body: SDP, headers: [contact('bob', b)] });
  shim.receive(answer, b);
  shim.told();
  return { invite, answer };
}

const asked = (out: Outcome) => out.messages.filter((m) => m.method === 'OPTIONS');
const toward = (user: string) => (m: Message) => m.uri.includes(user);

describe('RFC 3261 12.2 asking a silent call whether it lives', () => {
  it('asks both sides as the other would: target, tags, Call-ID, the last CSeq and no higher, this element as the only Via', () => {
    const shim = testElement({ tracker: { probe: PROBE } });
    up(shim);
    const out = shim.expire(5 * MINUTE);
    expect(
      summary(out)
        .filter((s) => s.startsWith('OPTIONS'))
        .sort(),
    ).toEqual(['OPTIONS > 127.0.0.2:5060', 'OPTIONS > 127.0.0.3:5060']);
    const seen = asked(out).map((m) => ({
      uri: m.uri,
      from: header(m, 'from'),
      to: header(m, 'to'),
      id: header(m, 'call-id'),
      cseq: header(m, 'cseq'),
      vias: headers(m, 'via').length,
      routes: headers(m, 'route'),
    }));
    const [alice, bob] = ['<sip:alice@example.com>;tag=a', '<sip:bob@example.com>;tag=b'];
    expect(seen).toEqual([
      { uri: 'sip:alice@127.0.0.2:5060', from: bob, to: alice, id: 'call-1', cseq: '0 OPTIONS', vias: 1, routes: [] },
      { uri: 'sip:bob@127.0.0.3:5060', from: alice, to: bob, id: 'call-1', cseq: '7 OPTIONS', vias: 1, routes: [] },
    ]);
  });

  it.each([200, 405, 500, 401, 486])('a call whose sides answer %i goes on, and nothing is told', (status) => {
    const shim = testElement({ tracker: { probe: PROBE } });
    up(shim);
    for (let i = 0; i < 12; i++) for (const m of asked(shim.expire(5 * MINUTE))) shim.receive(answerTo(m, status), flow(3));
    expect(shim.told().filter((t) => !/talking|offline/.test(t))).toEqual([]);
    expect(shim.element.presence.tracker.calls.size).toBe(1);
  });

  it('2xx of both sides renews the hard cap; another answer does not', () => {
    for (const [status, alive] of [
      [200, 1],
      [405, 0],
    ] as const) {
      const shim = testElement({ tracker: { probe: PROBE } });
      up(shim);
      for (let i = 0; i < 60; i++) for (const m of asked(shim.expire(5 * MINUTE))) shim.receive(answerTo(m, status), flow(3));
      expect([status, shim.element.presence.tracker.calls.size]).toEqual([status, alive]);
    }
  });

  it.each([481, 408])('a side that answers %i three times is gone: presence ends, and no BYE is sent', (status) => {
    const shim = testElement({ tracker: { probe: PROBE } });
    up(shim);
    const sent: string[] = [];
    const round = (ms: number) => {
      const out = shim.expire(ms);
      sent.push(...summary(out));
      for (const m of asked(out)) shim.receive(answerTo(m, toward('alice')(m) ? status : 200), flow(2));
      return asked(out).length;
    };
    expect(round(5 * MINUTE)).toBe(2);
    expect(shim.told()).toEqual([]);
    expect(round(10_000)).toBe(1);
    expect(shim.told()).toEqual([]);
    expect(round(10_000)).toBe(1);
    const reports = shim.reports.filter((r) => r.status === 'idle');
    expect(reports.map((r) => r.status === 'idle' && r.reason)).toEqual([
      { cause: 'probe', text: expect.stringContaining('caller') },
      { cause: 'probe', text: expect.stringContaining('caller') },
    ]);
    expect(shim.told()).toEqual(['alice terminating', 'bob terminating', 'alice idle', 'bob idle']);
    expect(sent.some((s) => s.startsWith('BYE'))).toBe(false);
  });

  it.each([
    [200, 1],
    [481, 0],
  ])('a call whose re-INVITE is answered 408 is asked at once: %i of both sides leaves %i calls', (status, left) => {
    const shim = testElement({ tracker: { probe: PROBE } });
    up(shim);
    const routed = { uri: 'sip:bob@127.0.0.3:5060', to: '<sip:bob@example.com>;tag=b', cseq: 8 };
    const headers = ['Route: <sip:127.0.0.1:5060;lr>'];
    const via = 'SIP/2.0/UDP x:5060;branch=z9hG4bKagain';
    const out = shim.receive(requestText('INVITE', { ...routed, via, headers, body: SDP }), flow(2));
    const again = out.messages.find((m) => m.method === 'INVITE') as Message;
    shim.receive(answerTo(again, 408), flow(3));
    let questions = 0;
    for (let i = 0; i < 100; i++) {
      for (const m of asked(shim.expire(500))) {
        questions += 1;
        shim.receive(answerTo(m, status), flow(toward('alice')(m) ? 2 : 3));
      }
    }
    expect(questions).toBeGreaterThanOrEqual(2);
    expect(shim.element.presence.tracker.calls.size).toBe(left);
  });

  it('one lost answer ends nothing', () => {
    const shim = testElement({ tracker: { probe: PROBE } });
    up(shim);
    for (const m of asked(shim.expire(5 * MINUTE))) if (toward('bob')(m)) shim.receive(answerTo(m, 200), flow(3));
    for (let i = 0; i < 70; i++) shim.expire(500);
    const again = asked(shim.expire(10_000));
    expect(again.map((m) => m.uri)).toEqual(['sip:alice@127.0.0.2:5060']);
    for (const m of again) shim.receive(answerTo(m, 200), flow(2));
    shim.expire(MINUTE);
    expect(shim.told()).toEqual([]);
  });

  it('two phones that have vanished are noticed within interval and tries, by silence alone', () => {
    const shim = testElement({ tracker: { probe: PROBE } });
    up(shim);
    const began = shim.at.now;
    while (shim.element.presence.tracker.calls.size > 0 && shim.at.now < began + HOURS) shim.expire(500);
    expect(shim.at.now - began).toBeLessThanOrEqual(5 * MINUTE + 3 * 32_500 + 2 * 10_500);
    expect(shim.at.now - began).toBeGreaterThan(5 * MINUTE);
    expect(shim.told()).toEqual(['alice terminating', 'bob terminating', 'alice idle', 'bob idle']);
  });

  it('any request within the dialog puts the question off, and its CSeq is that of the next question', () => {
    const shim = testElement({ tracker: { probe: PROBE } });
    up(shim);
    shim.at.now += 4 * MINUTE;
    const routed = { uri: 'sip:bob@127.0.0.3:5060', to: '<sip:bob@example.com>;tag=b' };
    const headers = ['Route: <sip:127.0.0.1:5060;lr>'];
    const [info] = shim
      .receive(requestText('INFO', { ...routed, cseq: 12, headers }), flow(2))
      .messages.filter((m) => m.method === 'INFO');
    shim.receive(answerTo(info as Message, 200), flow(3));
    expect(asked(shim.expire(4 * MINUTE))).toEqual([]);
    const [, bob] = asked(shim.expire(MINUTE));
    expect(header(bob as Message, 'cseq')).toBe('12 OPTIONS');
  });

  it('RFC 4028: a call with a session timer is not asked', () => {
    const shim = testElement({ tracker: { probe: PROBE } });
    shim.register('alice', flow(2));
    const [invite] = shim.receive(
      requestText('INVITE', { body: SDP, headers: [contact('alice', flow(2))], to: '<sip:bob@example.com>' }),
      flow(2),
    ).messages;
    expect(invite).toBeDefined();
    shim.register('bob', flow(3));
    const other = shim.receive(requestText('INVITE', { callId: 'c2', body: SDP, headers: [contact('alice', flow(2))] }), flow(2));
    const headersOf = [contact('bob', flow(3)), 'Session-Expires: 1800'];
    shim.receive(
      answerTo(other.messages.find((m) => m.method === 'INVITE') as Message, 200, { body: SDP, headers: headersOf }),
      flow(3),
    );
    expect(asked(shim.expire(20 * MINUTE))).toEqual([]);
    shim.told();
    shim.expire(10 * MINUTE);
    expect(shim.told()).toContain('alice idle');
  });

  it('over TCP the question goes by the connection of the phone', () => {
    const shim = testElement({ tracker: { probe: PROBE } });
    up(shim, flow(2, 40_000, 'tcp'), flow(3, 40_001, 'tcp'));
    const out = shim.expire(5 * MINUTE);
    const ways = out.sent.filter((s) => s.text.startsWith('OPTIONS')).map((s) => [s.target.transport, s.target.connection]);
    expect(ways).toEqual([
      ['tcp', 2],
      ['tcp', 3],
    ]);
  });

  it('over IPv6', () => {
    const at = (host: string): Flow => ({
      transport: 'udp',
      local: { address: '::1', port: 5060 },
      remote: { address: host, port: 5060 },
    });
    const shim = testElement({ tracker: { probe: PROBE }, points: [{ address: '::1', port: 5060 }] });
    for (const [user, host] of [
      ['alice', '2001:db8::2'],
      ['bob', '2001:db8::3'],
    ] as const) {
      const text = requestText('REGISTER', {
        ...{ uri: 'sip:example.com', via: `SIP/2.0/UDP [${host}]:5060;branch=z9hG4bK${user}`, callId: user },
        ...{
          from: `<sip:${user}@example.com>;tag=r`,
          to: `<sip:${user}@example.com>`,
          headers: [contact(user, at(host)), 'Expires: 3600'],
        },
      });
      shim.receive(text, at(host));
    }
    const out = shim.receive(
      requestText('INVITE', { body: SDP, headers: [contact('alice', at('2001:db8::2'))] }),
      at('2001:db8::2'),
    );
    const invite = out.messages.find((m) => m.method === 'INVITE') as Message;
    shim.receive(answerTo(invite, 200, { body: SDP, headers: [contact('bob', at('2001:db8::3'))] }), at('2001:db8::3'));
    const probes = asked(shim.expire(5 * MINUTE));
    expect(probes.map((m) => m.uri)).toEqual(['sip:alice@[2001:db8::2]:5060', 'sip:bob@[2001:db8::3]:5060']);
  });

  it('a call taken up from disk after a kill is asked within one interval', () => {
    const shim = testElement({ tracker: { probe: PROBE } });
    shim.register('alice', flow(2));
    shim.register('bob', flow(3));
    const out = shim.receive(requestText('INVITE', { cseq: 7, body: SDP, headers: [contact('alice', flow(2))] }), flow(2));
    const invite = out.messages.find((m) => m.method === 'INVITE') as Message;
    const { ops } = shim.receive(answerTo(invite, 200, { body: SDP, headers: [contact('bob', flow(3))] }), flow(3));
    const dialogs = ops.flatMap((op) => (op.op === 'dialog-put' ? [{ key: op.key, body: op.body }] : []));
    const after = testElement({ tracker: { probe: PROBE } }, 'v');
    after.element.restore({ bindings: [], dialogs, outbox: [], known: [] }, after.at.now);
    const probes = asked(after.expire(5 * MINUTE));
    expect(probes.map((m) => m.uri)).toEqual(['sip:alice@127.0.0.2:5060', 'sip:bob@127.0.0.3:5060']);
    // A row of an earlier version knows no targets: such a call is left to the hard cap.
    const old = dialogs.map(({ key, body }) => {
      const { details: _, ends: __, ...row } = JSON.parse(body);
      return { key, body: JSON.stringify(row) };
    });
    const older = testElement({ tracker: { probe: PROBE } }, 'w');
    older.element.restore({ bindings: [], dialogs: old, outbox: [], known: [] }, older.at.now);
    expect(asked(older.expire(5 * MINUTE))).toEqual([]);
    expect(older.element.presence.tracker.calls.size).toBe(1);
  });

  it('no more are asked at once than may be; the others have their turn', () => {
    const shim = testElement({ tracker: { probe: { ...PROBE, underWay: 4 } } });
    shim.register('alice', flow(2), 7200);
    shim.register('bob', flow(3), 7200);
    for (let i = 0; i < 5; i++) {
      const text = requestText('INVITE', { callId: `c${i}`, body: SDP, headers: [contact('alice', flow(2))] });
      const invite = shim.receive(text, flow(2)).messages.find((m) => m.method === 'INVITE') as Message;
      shim.receive(answerTo(invite, 200, { body: SDP, headers: [contact('bob', flow(3))] }), flow(3));
    }
    const seen = new Set<string>();
    let first = asked(shim.expire(5 * MINUTE));
    expect(first).toHaveLength(4);
    for (let i = 0; i < 5; i++) {
      for (const m of first) {
        seen.add(`${header(m, 'call-id')}`);
        shim.receive(answerTo(m, 200), flow(3));
      }
      first = asked(shim.expire(1000));
      expect(first.length).toBeLessThanOrEqual(4);
    }
    expect(seen.size).toBe(5);
  });
});
