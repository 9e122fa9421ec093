import { describe, expect, it } from 'vitest';
import { AddressSet } from '../../shim/core/address-set.ts';
import type { GuardSettings } from '../../shim/core/guard/guard.ts';
import { users } from '../support/digest.ts';
import { answerTo, ELEMENT_SETTINGS, flow, type Otherwise, testElement } from '../support/element.ts';
import { GUARD } from '../support/guard.ts';
import { requestText, SDP } from '../support/sip-text.ts';

const guarded = (otherwise: Omit<Otherwise, 'guard'> & { guard?: Partial<GuardSettings> } = {}) =>
  testElement({ ...otherwise, guard: { ...GUARD, ...otherwise.guard } });

type Shim = ReturnType<typeof guarded>;

const status = (shim: Shim, text: string, host = 9) => shim.receive(text, flow(host)).messages.map((m) => m.status || m.method);
const options = (...headers: string[]) => requestText('OPTIONS', { uri: 'sip:example.com', to: '<sip:example.com>', headers });

describe('Offhook guard: scanners', () => {
  it.each([
    'friendly-scanner',
    'sipvicious 0.3',
    'SIPCLI/v1.8',
    'VaxSIPUserAgent/3.1',
    'pplsip',
    'iWar',
    'SIVuS',
    'Gulp',
    'sundayddr',
  ])('%s is answered nothing, then or later', (agent) => {
    const shim = guarded();
    expect(status(shim, options())).toEqual([200]);
    expect(status(shim, options(`User-Agent: ${agent}`))).toEqual([]);
    expect(status(shim, options())).toEqual([]);
    expect(shim.element.guard?.counters).toMatchObject({ scanners: 1, bans: 1, banned: 1 });
    shim.at.now += 300_000;
    expect(status(shim, options())).toEqual([200]);
  });

  it.each(['"sipvicious" <sip:100@1.1.1.1>;tag=1', '<sip:100@1.1.1.1>;tag=1'])('are known by their From too: %s', (from) => {
    const shim = guarded();
    expect(status(shim, requestText('OPTIONS', { uri: 'sip:100@127.0.0.1', from }))).toEqual([]);
    expect(status(shim, options())).toEqual([]);
  });

  it('are let be where they come from an address that is allowed', () => {
    expect(status(guarded(), options('User-Agent: friendly-scanner'), 2)).toEqual([200]);
  });
});

describe('Offhook guard: what leads to a ban', () => {
  it('names that are not here', () => {
    const shim = guarded({ guard: { sourceCalls: 100 } });
    const probe = (n: number) => status(shim, requestText('INVITE', { uri: `sip:${n}@example.com`, callId: `c${n}` }));
    expect([1, 2, 3, 4, 5, 6].map(probe)).toEqual([[404], [404], [404], [404], [404], []]);
  });

  it('messages that are none, also those that are not answered', () => {
    const shim = guarded();
    for (let i = 0; i < 5; i++) shim.receive('GET / HTTP/1.1\r\n\r\n', flow(9));
    expect(status(shim, options())).toEqual([]);
  });

  it('passwords', () => {
    const shim = guarded({ users: users({ 'alice@example.com': 'wonder' }), guard: { registrationsProven: true } });
    const guess = (n: number) =>
      status(
        shim,
        requestText('REGISTER', {
          ...{ uri: 'sip:example.com', to: '<sip:alice@example.com>', callId: `c${n}` },
          headers: [
            `Authorization: Digest username="alice", realm="example.com", nonce="x", uri="sip:example.com", response="${'a'.repeat(32)}", qop=auth, nc=00000001, cnonce="c"`,
          ],
        }),
      );
    expect([1, 2, 3, 4, 5, 6].map(guess)).toEqual([[401], [401], [401], [401], [401], []]);
  });

  it('REGISTERs beyond their rate are dropped before anything is done for them, those of other addresses not', () => {
    const shim = guarded({ guard: { sourceBindings: 100 } });
    const sent = Array.from({ length: 30 }, (_, i) => shim.register(`u${i}`, flow(9, 6000 + i)).sent.length);
    expect(sent.filter((n) => n > 0)).toHaveLength(20);
    expect(sent.slice(20).every((n) => n === 0)).toBe(true);
    expect(shim.register('alice', flow(3)).sent).toHaveLength(1);
  });
});

describe('Offhook guard: caps', () => {
  it('answer 503 with Retry-After to a call beyond those open from one address, until one ends', () => {
    const shim = guarded({ guard: { banAfter: 1000 } });
    shim.register('bob', flow(3));
    const call = (n: number) => shim.receive(requestText('INVITE', { callId: `c${n}`, body: SDP }), flow(9));
    const first = call(1).messages.find((m) => m.method === 'INVITE' && m.status === 0);
    call(2);
    const [refused] = call(3).messages;
    expect(refused?.status).toBe(503);
    expect(refused?.text).toContain('Retry-After: ');
    shim.receive(answerTo(first as never, 486), flow(3));
    expect(call(4).messages.map((m) => m.status)).not.toContain(503);
    expect(call(5).messages.map((m) => m.status)).toEqual([503]);
    shim.expire(64_000);
    expect(call(6).messages.map((m) => m.status)).not.toContain(503);
  });

  it('count a call that is up, and no more from its BYE on, though its INVITE is remembered', () => {
    const shim = guarded({ guard: { sourceCalls: 1, messages: { rate: 1, burst: 1000 } } });
    shim.register('bob', flow(3));
    for (let n = 0; n < 100; n++) {
      const [invite] = shim
        .receive(requestText('INVITE', { callId: `c${n}`, body: SDP }), flow(9))
        .messages.filter((m) => m.method === 'INVITE' && m.status === 0);
      if (invite === undefined) throw new Error(`call ${n} was refused`);
      shim.receive(answerTo(invite, 200, { body: SDP }), flow(3));
      const second = shim.receive(requestText('INVITE', { callId: `d${n}`, body: SDP }), flow(9)).messages;
      expect(second.map((m) => m.status)).toEqual([503]);
      const bye = requestText('BYE', { callId: `c${n}`, to: '<sip:bob@example.com>;tag=b', uri: 'sip:bob@127.0.0.3', cseq: 2 });
      const [sent] = shim.receive(bye.replace(/\r\n\r\n/, '\r\nRoute: <sip:127.0.0.1:5060;lr>\r\n\r\n'), flow(9)).messages;
      shim.receive(answerTo(sent as never, 200), flow(3));
    }
    expect(shim.element.guard?.counters.cappedCalls).toBe(100);
  });

  it('answer 503 to a registration beyond those of one address, and let those refresh that are there', () => {
    const shim = guarded();
    const register = (user: string, port: number) => shim.register(user, flow(9, port)).messages.map((m) => m.status);
    expect([register('a', 1000), register('b', 1001), register('c', 1002), register('a', 1000)]).toEqual([
      [200],
      [200],
      [503],
      [200],
    ]);
  });
});

describe('Offhook guard: settings read anew', () => {
  it('let in who is allowed now, though he was banned, and limit who is not any more', () => {
    const shim = guarded();
    status(shim, options('User-Agent: friendly-scanner'));
    expect(status(shim, options())).toEqual([]);
    expect(status(shim, options('User-Agent: friendly-scanner'), 2)).toEqual([200]);
    shim.element.reconfigure({ ...ELEMENT_SETTINGS, guard: { ...GUARD, exempt: AddressSet.of(['127.0.0.9']) } }, ['example.com']);
    expect(status(shim, options())).toEqual([200]);
    expect(status(shim, options('User-Agent: friendly-scanner'), 2)).toEqual([]);
  });

  it('and who is trusted now', () => {
    const shim = guarded();
    status(shim, options('User-Agent: friendly-scanner'));
    const placing = { ...ELEMENT_SETTINGS.placing, trustedPeers: ['127.0.0.9'] };
    shim.element.reconfigure({ ...ELEMENT_SETTINGS, placing, guard: GUARD }, ['example.com']);
    expect(status(shim, options())).toEqual([200]);
  });
});

describe('Offhook guard: floods', () => {
  it('are no answers to what was sent from here: of a next hop that is known by name, as of anybody', () => {
    const few = { messages: { rate: 1, burst: 10 } };
    const shim = guarded({ upstream: { transport: 'udp', host: 'pbx.example', port: 5060 }, guard: few });
    shim.register('alice', flow(2));
    for (let i = 0; i < 40; i++) {
      const call = requestText('INVITE', { uri: `sip:${i}@far.example`, callId: `c${i}`, body: SDP });
      const invite = shim.receive(call, flow(2)).messages.find((m) => m.method === 'INVITE' && m.status === 0);
      if (invite === undefined) throw new Error('nothing was sent');
      expect(shim.receive(answerTo(invite, 200), flow(8)).messages.map((m) => m.status)).toEqual([200]);
    }
    const stray = requestText('OPTIONS', { callId: 'none' });
    const answers = Array.from({ length: 40 }, () =>
      shim.receive(`SIP/2.0 200 OK${stray.slice(stray.indexOf('\r\n'))}`, flow(8)),
    );
    expect(answers.every(({ messages }) => messages.length === 0)).toBe(true);
    expect(shim.element.guard?.counters).toMatchObject({ limited: 10, bans: 1, banned: 20 });
  });

  it('a registered phone behind a flooding address calls on', () => {
    const shim = guarded();
    shim.register('alice', flow(9, 5070));
    shim.register('bob', flow(3));
    for (let i = 0; i < 5000; i++)
      shim.receive(requestText('REGISTER', { uri: 'sip:example.com', callId: `f${i}` }), flow(9, 4000));
    expect(shim.element.guard?.counters.bans).toBe(1);
    const called = shim.receive(requestText('INVITE', { body: SDP }), flow(9, 5070)).messages;
    expect(called.map((m) => m.status || m.method)).toContain('INVITE');
  });

  it('what survives a restart is known as registered again', () => {
    const shim = guarded();
    const { ops } = shim.register('alice', flow(9, 5070));
    const bindings = ops.flatMap((op) => (op.op === 'binding-put' ? [op.binding] : []));
    const next = guarded();
    next.element.restore({ bindings, dialogs: [], outbox: [], known: [] }, next.at.now);
    expect(next.element.guard?.flows.get(flow(9, 5070), next.at.now)).toBeDefined();
  });
});
