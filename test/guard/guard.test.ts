import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressSet } from '../../shim/core/address-set.ts';
import { type Evidence, Guard, type GuardSettings } from '../../shim/core/guard/guard.ts';
import { OpenCalls } from '../../shim/core/guard/open-calls.ts';
import { showSource, sourceOf } from '../../shim/core/guard/source.ts';
import type { Binding } from '../../shim/core/registrar/binding.ts';
import type { Flow } from '../../shim/core/transport.ts';
import { request } from '../support/sip-text.ts';

const T0 = Date.UTC(2026, 10, 22);
const MINUTE = 60_000;

const SETTINGS: GuardSettings = {
  exempt: AddressSet.of(['127.0.0.1']),
  messages: { rate: 10, burst: 20 },
  registers: { rate: 1, burst: 5 },
  banAfter: 10,
  banWindow: 10 * MINUTE,
  banTime: 5 * MINUTE,
  banMax: 60 * MINUTE,
  scanners: ['friendly-scanner'],
  sourceCalls: 3,
  sourceBindings: 2,
  sourceConnections: 2,
  maxSources: 100,
  maxFlows: 100,
  registrationsProven: true,
};

const guard = (otherwise: Partial<GuardSettings> = {}) => new Guard({ ...SETTINGS, ...otherwise });

const at = (address: string, port = 5060, transport: Flow['transport'] = 'udp'): Flow => ({
  transport,
  local: { address: '127.0.0.1', port: 5060 },
  remote: { address, port },
});

const binding = (flow: Flow, expiresAt = T0 + 60 * MINUTE, aor = 'sip:alice@example.com'): Binding => ({
  ...{ aor, contact: `sip:a@${flow.remote.address}`, callId: 'c', cseq: 1, q: 1, since: T0, userAgent: '', params: '' },
  ...{ expiresAt, flow },
});

const BAD = at('203.0.113.9');

const admits = (g: Guard, flow: Flow, now: number) => g.admit('OPTIONS ', flow, now) !== 'refused';

function repeat(g: Guard, times: number, evidence: Evidence, flow = BAD, now = T0) {
  for (let i = 0; i < times; i++) g.against(flow, evidence, now);
}

describe('Offhook guard: rates', () => {
  it('takes at once who is exempt or registered and sends little, and all others in their turn', () => {
    const g = guard({ messages: { rate: 1, burst: 200 } });
    const phone = at('203.0.113.20');
    expect(g.admit('OPTIONS ', phone, T0)).toBe('in-turn');
    g.bindings([{ type: 'added', binding: binding(phone) }], T0);
    const taken = Array.from({ length: 201 }, () => g.admit('OPTIONS ', phone, T0));
    expect(taken).toEqual([...Array(64).fill('at-once'), ...Array(136).fill('in-turn'), 'refused']);
    expect(g.admit('OPTIONS ', phone, T0 + 3 * MINUTE)).toBe('at-once');
    expect(g.admit('OPTIONS ', at('127.0.0.1'), T0)).toBe('at-once');
  });

  it('finds out that a message which waited is of somebody banned meanwhile', () => {
    const g = guard();
    expect([g.admit('OPTIONS ', BAD, T0), g.isBanned(BAD, T0)]).toEqual(['in-turn', false]);
    g.against(BAD, 'scanner', T0);
    expect([g.isBanned(BAD, T0), g.isBanned(at('203.0.113.10'), T0), g.counters.banned]).toEqual([true, false, 1]);
  });

  it('drops REGISTERs beyond their rate unread, also behind line ends, and nothing else', () => {
    const g = guard();
    const sent = Array.from({ length: 8 }, (_, n) => g.admit(`${n % 2 ? '\r\n' : ''}REGISTER sip:example.com SIP/2.0`, BAD, T0));
    expect(sent).toEqual([...Array(5).fill('in-turn'), ...Array(3).fill('refused')]);
    expect([g.counters.limited, g.admit('INVITE sip:bob@example.com SIP/2.0', BAD, T0)]).toEqual([3, 'in-turn']);
  });

  it('lets a burst pass, then so many a second, and counts the rest', () => {
    const g = guard();
    const passed = (times: number, now: number) =>
      Array.from({ length: times }, () => admits(g, BAD, now)).filter(Boolean).length;
    expect(passed(30, T0)).toBe(20);
    expect(passed(30, T0 + 500)).toBe(5);
    expect(passed(30, T0 + 10 * MINUTE)).toBe(20);
    expect(g.counters.limited + g.counters.banned).toBe(45);
  });

  it('bans who goes on beyond it for as much as a burst', () => {
    const g = guard();
    for (let i = 0; i < 40; i++) admits(g, BAD, T0);
    expect(g.takeBans()).toEqual([{ source: '203.0.113.9', until: T0 + 5 * MINUTE, why: 'flood' }]);
    expect([admits(g, BAD, T0 + 5 * MINUTE - 1), admits(g, BAD, T0 + 5 * MINUTE)]).toEqual([false, true]);
  });

  it('never limits or bans who is on the list', () => {
    const g = guard();
    const near = at('127.0.0.1');
    repeat(g, 100, 'proven-wrong', near);
    expect(Array.from({ length: 1000 }, () => admits(g, near, T0)).every(Boolean)).toBe(true);
  });

  it('never limits a peer because of others of its /64, nor lets them pass because of it', () => {
    const peer = at('2001:db8::5');
    const phone = at('2001:db8::9');
    const passed = (g: Guard, flow: Flow) => Array.from({ length: 100 }, () => admits(g, flow, T0)).filter(Boolean).length;
    const trusting = () => new Guard(SETTINGS, ({ remote }) => remote.address === '2001:db8::5');
    const [a, b] = [trusting(), trusting()];
    expect([passed(a, phone), passed(a, peer)]).toEqual([20, 100]);
    expect([passed(b, peer), passed(b, phone)]).toEqual([100, 20]);
    for (const g of [a, b]) expect([g.welcomes('2001:db8::5', 99, T0), g.welcomes('2001:db8::9', 99, T0)]).toEqual([true, false]);
  });

  it('gives a registered flow a rate of its own, which a flood from its address does not use up', () => {
    const g = guard();
    const phone = at('203.0.113.9', 5070);
    g.bindings([{ type: 'added', binding: binding(phone) }], T0);
    for (let i = 0; i < 1000; i++) admits(g, BAD, T0);
    expect(Array.from({ length: 30 }, () => admits(g, phone, T0)).filter(Boolean)).toHaveLength(20);
  });

  it('counts IPv6 by /64, and a mapped address as IPv4', () => {
    expect(sourceOf('2001:db8::1')).toBe(sourceOf('2001:db8:0:0:ffff::2'));
    expect(sourceOf('2001:db8::1')).not.toBe(sourceOf('2001:db8:0:1::1'));
    expect(sourceOf('::ffff:203.0.113.9')).toBe('203.0.113.9');
    expect(showSource('2001:db8:1::7')).toBe('2001:db8:1:0::/64');
  });
});

describe('Offhook guard: bans', () => {
  it.each([
    ['proven-wrong', 10],
    ['wrong', 10],
    ['forbidden', 10],
    ['probe', 10],
    ['malformed', 10],
    ['scanner', 1],
    ['challenged', 500],
  ] as const)('come of %s, %d times', (evidence, times) => {
    const g = guard();
    repeat(g, times - 1, evidence);
    expect(admits(g, BAD, T0)).toBe(true);
    repeat(g, 1, evidence);
    expect(admits(g, BAD, T0)).toBe(false);
    expect(g.counters).toMatchObject({ bans: 1, banned: 1 });
    expect([g.welcomes('203.0.113.9', 0, T0), g.welcomes('203.0.113.10', 0, T0)]).toEqual([false, true]);
    expect(admits(g, at('203.0.113.10'), T0)).toBe(true);
  });

  it('do not come where failures are far apart, or a right password came between', () => {
    const g = guard();
    for (let i = 0; i < 100; i++) repeat(g, 1, 'proven-wrong', BAD, T0 + i * MINUTE);
    expect(g.counters.bans).toBe(0);
    repeat(g, 8, 'proven-wrong', BAD, T0 + 100 * MINUTE);
    g.authenticated(BAD, T0 + 100 * MINUTE);
    repeat(g, 9, 'proven-wrong', BAD, T0 + 100 * MINUTE);
    expect(g.counters.bans).toBe(0);
  });

  it('double each time, up to the longest, on evidence that nobody else can make up', () => {
    const g = guard();
    const lengths: number[] = [];
    let now = T0;
    for (let i = 0; i < 6; i++) {
      repeat(g, 10, 'proven-wrong', BAD, now);
      const until = g.takeBans()[0]?.until as number;
      lengths.push((until - now) / MINUTE);
      now = until;
    }
    expect(lengths).toEqual([5, 10, 20, 40, 60, 60]);
  });

  it('do not grow on what anybody may have sent over UDP in that name, and do over TCP', () => {
    for (const [transport, longest] of [
      ['udp', 5],
      ['tcp', 20],
    ] as const) {
      const g = guard();
      let until = T0;
      let last = 0;
      for (let i = 0; i < 3; i++) {
        repeat(g, 1, 'scanner', at('203.0.113.9', 5060, transport), until);
        last = ((g.takeBans()[0]?.until as number) - until) / MINUTE;
        until += last * MINUTE;
      }
      expect(last).toBe(longest);
    }
  });

  it('never hit a registered flow, and spare its address from what may be made up', () => {
    const g = guard();
    const phone = at('203.0.113.9', 5070);
    g.bindings([{ type: 'added', binding: binding(phone) }], T0);
    repeat(g, 100, 'scanner');
    repeat(g, 100, 'malformed', phone);
    expect(g.counters).toMatchObject({ bans: 0, spared: 100 });
    repeat(g, 10, 'proven-wrong');
    expect([admits(g, BAD, T0), admits(g, phone, T0)]).toEqual([false, true]);
    // Its time is over.
    expect(admits(g, phone, T0 + 60 * MINUTE)).toBe(true);
    repeat(g, 10, 'proven-wrong', phone, T0 + 60 * MINUTE);
    expect(admits(g, phone, T0 + 60 * MINUTE)).toBe(false);
  });

  it('are told to the log ten a second at most, and all counted', () => {
    const g = guard({ maxSources: 1000 });
    for (let i = 0; i < 100; i++) repeat(g, 1, 'scanner', at(`198.51.100.${i}`));
    expect(g.takeBans()).toHaveLength(10);
    expect([g.takeBans().length, g.counters.bans]).toEqual([0, 100]);
  });

  it('stay while any number of other sources come by, in a table that does not grow', () => {
    const g = guard({ maxSources: 20 });
    repeat(g, 1, 'scanner');
    for (let i = 0; i < 1000; i++) admits(g, at(`10.0.${i >> 8}.${i & 255}`), T0);
    expect(g.sources.size).toBe(20);
    expect(admits(g, BAD, T0)).toBe(false);
    expect(g.sources.banned(T0)).toBe(1);
  });
});

describe('Offhook guard: caps of one source', () => {
  it('refuse a connection beyond those that are open', () => {
    const g = guard();
    expect([0, 1, 2].map((open) => g.welcomes('203.0.113.9', open, T0))).toEqual([true, true, false]);
    expect(g.welcomes('127.0.0.1', 100, T0)).toBe(true);
    expect(g.counters.cappedConnections).toBe(1);
  });

  const invite = (callId: string) => request('INVITE', { callId });

  it('refuse a call beyond those that are open, and take one again when another has ended', () => {
    const g = guard();
    const open = new Set<string>();
    const begin = (id: string, flow = BAD) => {
      const may = g.begin(invite(`call-${id}`), id, flow, (one) => open.has(one), T0);
      if (may) open.add(id);
      return may;
    };
    expect(['1', '2', '3', '4'].map((id) => begin(id))).toEqual([true, true, true, false]);
    expect(begin('5', at('203.0.113.10'))).toBe(true);
    open.delete('2');
    expect([begin('6'), begin('7')]).toEqual([true, false]);
    expect(g.counters.cappedCalls).toBe(2);
    expect(Array.from({ length: 10 }, (_, i) => begin(`n${i}`, at('127.0.0.1'))).every(Boolean)).toBe(true);
  });

  it('keep of ended calls no more than of open ones', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 300 }), (ends) => {
        const calls = new OpenCalls();
        const open = new Set<string>();
        ends.forEach((end, i) => {
          if (end) open.delete([...open][0] ?? '');
          open.add(String(i));
          expect(calls.add(String(i), 'c', 1000, (id) => open.has(id))).toBe(true);
        });
        expect(calls.size).toBeLessThanOrEqual(2 * Math.max(...peaks(ends)) + 9);
      }),
    );
  });

  it('refuse a registration beyond, count anew once a second, and forget those that have ended', () => {
    const g = guard();
    const all: Binding[] = [];
    const register = (port: number, aor: string, now = T0) => {
      if (!g.mayRegister(at('203.0.113.9', port), () => all, now)) return false;
      const made = binding(at('203.0.113.9', port), T0 + 60 * MINUTE, aor);
      all.push(made);
      g.bindings([{ type: 'added', binding: made }], now);
      return true;
    };
    expect([register(1, 'a'), register(1, 'b'), register(2, 'c')]).toEqual([true, true, false]);
    // One has gone elsewhere, which nobody told.
    all.pop();
    expect([register(3, 'd'), register(3, 'd', T0 + 1000)]).toEqual([false, true]);
    g.bindings([{ type: 'removed', binding: all[0] as Binding, reason: 'unregistered' }], T0);
    expect(register(4, 'e')).toBe(true);
    expect(g.counters.cappedBindings).toBe(2);
  });
});

/** How many calls were open at most. */
function peaks(ends: readonly boolean[]): number[] {
  let open = 0;
  return [0, ...ends.map((end) => (end && open > 0 ? open : ++open))];
}
