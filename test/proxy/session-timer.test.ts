import { describe, expect, it } from 'vitest';
import { timed, timedAnswer } from '../../shim/core/proxy/session-timer.ts';
import { header, type Message } from '../../shim/core/sip/index.ts';
import { answerTo, flow, testElement } from '../support/element.ts';
import { request, requestText, response, SDP } from '../support/sip-text.ts';

const POLICY = { expires: 1800, minSe: 120 };
const sent = (...headers: string[]) => timed(request('INVITE', { headers, body: SDP }), POLICY);
const fields = (m: ReturnType<typeof sent>) =>
  'text' in m ? [header(m, 'session-expires'), header(m, 'min-se')] : [m.status, ...m.headers.flat()];

describe('RFC 4028 8.1 what a proxy does with a session timer in a request', () => {
  it.each([
    ['none is asked for: ours', [], ['1800', undefined]],
    ['none is asked for, and a higher minimum named: that', ['Min-SE: 3600'], ['3600', '3600']],
    ['one within the bounds: left', ['Session-Expires: 600;refresher=uac'], ['600;refresher=uac', undefined]],
    ['one that is longer: shortened', ['Session-Expires: 7200;refresher=uas'], ['1800;refresher=uas', undefined]],
    ['never below Min-SE', ['Session-Expires: 7200', 'Min-SE: 2400'], ['2400', '2400']],
    ['too short, and the caller knows timers: 422', ['Supported: timer', 'Session-Expires: 100'], [422, 'Min-SE', '120']],
    ['too short, and the caller knows none: raised', ['Session-Expires: 100'], ['120', '120']],
  ])('%s', (_, headers, expected) => expect(fields(sent(...headers))).toEqual(expected));

  it('leaves every other request alone, and every other byte of an INVITE', () => {
    const info = request('INFO', {});
    expect(timed(info, POLICY)).toBe(info);
    const invite = request('INVITE', { body: SDP, headers: ['X-Odd  :  as it  was'] });
    const out = timed(invite, POLICY) as Message;
    expect(out.text.replace('Session-Expires: 1800\r\n', '')).toBe(invite.text);
  });
});

describe('RFC 4028 8.2 what it does with the 2xx', () => {
  const asked = (...headers: string[]) => request('INVITE', { headers: ['Session-Expires: 1800', ...headers], body: SDP });

  it('puts the timer in where the caller knows timers and the callee does not', () => {
    const out = timedAnswer(response(200, 'INVITE', { body: SDP }), asked('Supported: timer'));
    expect([header(out, 'session-expires'), header(out, 'require')]).toEqual(['1800;refresher=uac', 'timer']);
  });

  it.each([
    ['the caller does not know timers', [], [], 200],
    ['the callee has answered', ['Supported: timer'], ['Session-Expires: 900;refresher=uas'], 200],
    ['the request failed', ['Supported: timer'], [], 486],
  ] as const)('leaves it alone where %s', (_, requested, answered, status) => {
    const out = response(status, 'INVITE', { headers: answered });
    expect(timedAnswer(out, asked(...requested))).toBe(out);
  });
});

describe('RFC 4028 through the whole element', () => {
  const answered = (headers: string[]) => {
    const shim = testElement({ sessionTimer: POLICY });
    shim.register('alice', flow(2));
    shim.register('bob', flow(3));
    const out = shim.receive(requestText('INVITE', { body: SDP, headers }), flow(2));
    const invite = out.messages.find((m) => m.method === 'INVITE' && m.status === 0);
    return { shim, out, invite };
  };

  it('asks for a timer, tells the caller, and ends presence when it is not refreshed', () => {
    const { shim, invite } = answered(['Supported: timer']);
    expect(header(invite as Message, 'session-expires')).toBe('1800');
    const [ok] = shim.receive(answerTo(invite as Message, 200, { body: SDP }), flow(3)).messages;
    expect(header(ok as Message, 'session-expires')).toBe('1800;refresher=uac');
    shim.told();
    shim.expire(1_800_000);
    expect(shim.reports.filter((r) => r.status === 'idle').map((r) => r.status === 'idle' && r.reason.cause)).toEqual([
      'session-timer',
      'session-timer',
    ]);
  });

  it('refuses one that is too short with 422, and calls nobody', () => {
    const { out, invite } = answered(['Supported: timer', 'Session-Expires: 60']);
    expect(invite).toBeUndefined();
    expect(out.messages.map((m) => [m.status, header(m, 'min-se')])).toEqual([[422, '120']]);
  });

  it('does none of this where it is not asked to', () => {
    const shim = testElement();
    shim.register('bob', flow(3));
    const text = requestText('INVITE', { body: SDP, headers: ['Supported: timer', 'Session-Expires: 60'] });
    const [invite] = shim.receive(text, flow(2)).messages;
    expect(header(invite as Message, 'session-expires')).toBe('60');
  });
});
