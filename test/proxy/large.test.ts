import { describe, expect, it } from 'vitest';
import { LargeRequests } from '../../shim/core/proxy/large.ts';
import { header, headers } from '../../shim/core/sip/index.ts';
import { answerTo, flow, summary, T0, type TestElement, testElement } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';

const LONG = `${SDP}${'a=fmtp:96 x\r\n'.repeat(100)}`;
const invite = (body: string, callId = 'large') => requestText('INVITE', { callId, body });

function office(): TestElement {
  const shim = testElement();
  shim.register('alice', flow(2));
  shim.register('bob', flow(3));
  return shim;
}

describe('RFC 3261 18.1.1 a request that is too large for UDP', () => {
  it('goes by TCP, and its Via and Record-Route say so', () => {
    const { sent, messages } = office().receive(invite(LONG), flow(2));
    expect(sent.map((s) => s.target)).toMatchObject([{ transport: 'tcp', host: '127.0.0.3', port: 5060 }]);
    expect(header(messages[0] as never, 'via')).toMatch(/^SIP\/2\.0\/TCP 127\.0\.0\.1:5060;/);
    expect(headers(messages[0] as never, 'record-route')).toEqual([
      '<sip:127.0.0.1:5060;transport=tcp;lr>, <sip:127.0.0.1:5060;lr>',
    ]);
  });

  it('goes by UDP where it is small', () => {
    expect(
      office()
        .receive(invite(SDP), flow(2))
        .sent.map((s) => s.target.transport),
    ).toEqual(['udp']);
  });

  it('goes by UDP after all, in a branch of its own, where the connection is refused; the next one does so at once', () => {
    const shim = office();
    const first = shim.receive(invite(LONG), flow(2));
    const again = shim.failed(first.sent[0]?.id as string);
    expect(again.sent.map((s) => s.target)).toMatchObject([{ transport: 'udp', host: '127.0.0.3', port: 5060 }]);
    const [before, after] = [first, again].map(({ messages }) => header(messages[0] as never, 'via') as string);
    expect(after).toMatch(/^SIP\/2\.0\/UDP /);
    expect(after).not.toBe(before?.replace('TCP', 'UDP'));
    const next = shim.receive(invite(LONG, 'next'), flow(2));
    expect(next.sent.map((s) => s.target.transport)).toEqual(['udp']);
    shim.expire(600_001);
    expect(shim.receive(invite(LONG, 'later'), flow(2)).sent.map((s) => s.target.transport)).toEqual(['tcp']);
  });

  it('is one call for presence, whichever way it went in the end', () => {
    const shim = office();
    const first = shim.receive(invite(LONG), flow(2));
    shim.told();
    const again = shim.failed(first.sent[0]?.id as string);
    expect(shim.told()).toEqual([]);
    shim.receive(answerTo(again.messages[0] as never, 180), flow(3));
    const ok = answerTo(again.messages[0] as never, 200, { headers: ['Contact: <sip:bob@127.0.0.3:5060>'], body: SDP });
    expect(summary(shim.receive(ok, flow(3)))).toEqual(['200 > 127.0.0.2:5060']);
    expect(shim.told().filter((text) => text.endsWith('talking'))).toHaveLength(2);
  });

  it('is answered 500 where UDP fails too', () => {
    const shim = office();
    const first = shim.receive(invite(LONG), flow(2));
    const again = shim.failed(first.sent[0]?.id as string);
    expect(summary(shim.failed(again.sent[0]?.id as string))).toEqual(['500 > 127.0.0.2:5060']);
  });

  it('does not try a way that is not there: a phone behind NAT is reached by the address that the NAT gave it alone', () => {
    const large = new LargeRequests({ udpBytes: 1300 });
    const target = { transport: 'udp', host: '203.0.113.9', port: 61_000 } as const;
    expect(large.instead(target, 1301, T0)).toEqual({ ...target, transport: 'tcp' });
    expect(large.instead(target, 1300, T0)).toBeUndefined();
    expect(large.instead({ ...target, behindNat: true }, 5000, T0)).toBeUndefined();
    expect(large.instead({ ...target, transport: 'tls' }, 5000, T0)).toBeUndefined();
  });

  it('remembers a bounded number of hosts that refused', () => {
    const large = new LargeRequests({ udpBytes: 1300 });
    const target = (n: number) => ({ transport: 'udp', host: `h${n}.example`, port: 5060 }) as const;
    for (let n = 0; n < 1001; n++) large.refused(target(n), T0);
    expect([0, 1, 1000].map((n) => large.instead(target(n), 2000, T0) === undefined)).toEqual([false, true, true]);
  });
});
