import { describe, expect, it } from 'vitest';
import { adopt } from '../../shim/core/adopt.ts';
import type { Message } from '../../shim/core/sip/index.ts';
import { answerTo, ELEMENT_SETTINGS, flow, testElement } from '../support/element.ts';
import { requestText } from '../support/sip-text.ts';

const [alice, bob] = [flow(2), flow(3)];

function ringing() {
  const e = testElement();
  e.register('alice', alice);
  e.register('bob', bob);
  const [invite] = e.receive(requestText('INVITE'), alice).messages;
  const answer = (status: number) => answerTo(invite as Message, status);
  e.receive(answer(180), bob);
  return { ...e, answer };
}

describe('RFC 3261 21.5.4 a shim that is about to end', () => {
  it('answers a new INVITE with 503 and Retry-After, and goes on with all else', () => {
    const e = ringing();
    e.element.drain();
    expect(e.element.draining).toBe(true);
    const refused = e.receive(requestText('INVITE', { callId: 'other' }), alice).messages;
    expect(refused.map((m) => m.status)).toEqual([503]);
    expect(refused[0]?.text).toContain('Retry-After: 5\r\n');
    expect(e.register('bob', bob).messages.map((m) => m.status)).toEqual([200]);
    expect(e.receive(requestText('MESSAGE', { callId: 'm' }), alice).messages.map((m) => m.method)).toEqual(['MESSAGE']);
  });

  it('lets the call that rings be answered, and a call that is there be changed and ended', () => {
    const e = ringing();
    e.element.drain();
    expect(e.receive(e.answer(200), bob).messages.map((m) => m.status)).toEqual([200]);
    const dialog = { to: '<sip:bob@example.com>;tag=b', uri: 'sip:bob@127.0.0.3:5060' };
    expect(e.receive(requestText('INVITE', { ...dialog, cseq: 2 }), alice).messages.map((m) => m.method || m.status)).toEqual([
      'INVITE',
    ]);
    expect(e.receive(requestText('BYE', { ...dialog, cseq: 3 }), alice).messages.map((m) => m.method)).toEqual(['BYE']);
  });

  it('knows how many requests are not answered yet', () => {
    const e = ringing();
    expect(e.element.table.unanswered).toBe(1);
    e.receive(e.answer(486), bob);
    expect(e.element.table.unanswered).toBe(0);
    expect(e.element.table.size).toBeGreaterThan(0);
  });
});

describe('Offhook reload', () => {
  it('serves other domains and grants other times at once', () => {
    const e = testElement();
    expect(e.register('alice', alice).messages[0]?.text).toContain('expires=3600');
    const { registrar } = ELEMENT_SETTINGS;
    e.element.reconfigure({ ...ELEMENT_SETTINGS, registrar: { ...registrar, maxExpires: 120 } }, ['example.com']);
    expect(e.register('alice', alice).messages[0]?.text).toContain('expires=120');
    e.element.reconfigure({ ...ELEMENT_SETTINGS, registrar: { ...registrar } }, ['example.org']);
    expect(e.register('alice', alice).messages[0]?.status).not.toBe(200);
  });

  it('sends to another upstream at once', () => {
    const e = testElement({ upstream: { transport: 'udp', host: '127.0.0.8', port: 5060 } });
    e.register('alice', alice);
    const dial = (callId: string) =>
      e.receive(requestText('INVITE', { callId, uri: 'sip:1@example.com', to: '<sip:1@example.com>' }), alice).sent.at(-1)?.target
        .host;
    expect(dial('1')).toBe('127.0.0.8');
    const upstream = { transport: 'udp' as const, host: '127.0.0.9', port: 5060 };
    e.element.reconfigure({ ...ELEMENT_SETTINGS, upstream }, ['example.com']);
    expect(dial('2')).toBe('127.0.0.9');
  });

  it('drops no call: one that rings is answered, told and ended as before', () => {
    const e = ringing();
    e.element.reconfigure(
      {
        ...ELEMENT_SETTINGS,
        presence: { ...ELEMENT_SETTINGS.presence, tracker: { ...ELEMENT_SETTINGS.presence.tracker, talking: 'on-answer' } },
      },
      ['example.com'],
    );
    e.told();
    expect(e.receive(e.answer(200), bob).messages.map((m) => m.status)).toEqual([200]);
    expect(e.told()).toEqual(['alice talking', 'bob talking']);
  });

  it('puts new values in place, so that every part that holds a part of the old ones goes on by them', () => {
    const live = { a: 1, b: { c: [1], d: 2 }, e: new Set([1]), f: 3 };
    const { b } = live;
    const set = new Set([2]);
    adopt(live, { a: 2, b: { c: [2, 3], d: 2 }, e: set });
    expect(live).toEqual({ a: 2, b: { c: [2, 3], d: 2 }, e: set });
    expect(live.b).toBe(b);
    expect(live.e).toBe(set);
  });
});
