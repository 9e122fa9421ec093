import { describe, expect, it } from 'vitest';
import { outsideOf } from '../../shim/advertised.ts';
import { header, headers } from '../../shim/core/sip/index.ts';
import type { Flow } from '../../shim/core/transport.ts';
import { answerTo, SHIM, summary, testElement } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';

const at = (address: string, port = 5060): Flow => ({ transport: 'udp', local: SHIM, remote: { address, port } });
const alice = at('10.0.0.2');
const bob = at('203.0.113.9');
const pbx = { transport: 'udp', host: '10.0.0.8', port: 5060 } as const;

const NEAR = { address: '10.0.0.1', port: 5060 };

/** Listens at 10.0.0.1, is known outside as 198.51.100.1:5099. alice is in the office, bob at home. */
function behindNat(localNetworks: string[] | undefined) {
  const outside = outsideOf({ advertised: ['10.0.0.1=198.51.100.1:5099'], localNetworks });
  const shim = testElement({ points: [NEAR], upstream: pbx, ...(outside && { outside }) });
  shim.register('alice', { ...alice, local: NEAR });
  shim.register('bob', { ...bob, local: NEAR });
  return shim;
}

const invite = (user: string) =>
  requestText('INVITE', { uri: `sip:${user}@example.com`, to: `<sip:${user}@example.com>`, body: SDP });

describe('RFC 3261 18.1.1 the address advertised behind NAT', () => {
  it('stands in Via and Record-Route towards those outside; those inside see the address listened at', () => {
    const { sent, messages } = behindNat(['10.0.0.0/8']).receive(invite('bob'), { ...alice, local: NEAR });
    expect(header(messages[0] as never, 'via')).toMatch(/^SIP\/2\.0\/UDP 198\.51\.100\.1:5099;/);
    expect(headers(messages[0] as never, 'record-route')).toEqual(['<sip:198.51.100.1:5099;lr>, <sip:10.0.0.1:5060;lr>']);
    expect(sent[0]?.target).toMatchObject({ host: '203.0.113.9', local: NEAR });
  });

  it('stands everywhere where no local networks are named', () => {
    const { messages } = behindNat(undefined).receive(invite('bob'), { ...alice, local: NEAR });
    expect(headers(messages[0] as never, 'record-route')).toEqual(['<sip:198.51.100.1:5099;lr>']);
  });

  it('stands nowhere between two who are inside', () => {
    const { sent, messages } = behindNat(['10.0.0.0/8']).receive(invite('100'), { ...alice, local: NEAR });
    expect(sent[0]?.target).toMatchObject({ host: '10.0.0.8', local: NEAR });
    expect(header(messages[0] as never, 'via')).toMatch(/10\.0\.0\.1:5060/);
    expect(headers(messages[0] as never, 'record-route')).toEqual(['<sip:10.0.0.1:5060;lr>']);
  });

  it('is our own: requests of the dialog come back through it, and answers are not taken for loops', () => {
    const shim = behindNat(['10.0.0.0/8']);
    const { messages } = shim.receive(invite('bob'), { ...alice, local: NEAR });
    const ok = answerTo(messages[0] as never, 200, { headers: ['Contact: <sip:bob@203.0.113.9:5060>'], body: SDP });
    expect(summary(shim.receive(ok, { ...bob, local: NEAR }))).toEqual(['200 > 10.0.0.2:5060']);
    const bye = requestText('BYE', {
      uri: 'sip:alice@10.0.0.2:5060',
      via: 'SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bKbye',
      from: '<sip:bob@example.com>;tag=b',
      to: '<sip:alice@example.com>;tag=a',
      headers: ['Route: <sip:198.51.100.1:5099;lr>, <sip:10.0.0.1:5060;lr>'],
    });
    const back = shim.receive(bye, { ...bob, local: NEAR });
    expect(summary(back)).toEqual(['BYE > 10.0.0.2:5060']);
    expect(headers(back.messages[0] as never, 'route')).toEqual([]);
    expect(back.sent[0]?.target.local).toEqual(NEAR);
  });

  it.each([
    [['198.51.100.1'], { address: '198.51.100.1', port: 5060 }],
    [['sip.example.com:5070'], { address: 'sip.example.com', port: 5070 }],
    [['10.0.0.2=198.51.100.2', '198.51.100.1'], { address: '198.51.100.1', port: 5060 }],
    [['10.0.0.2=198.51.100.2'], undefined],
    [['[2001:db8::1]'], undefined],
  ])('Offhook --advertised %s', (advertised, expected) => {
    const outside = outsideOf({ advertised, localNetworks: undefined });
    expect(outside?.advertised({ transport: 'udp', ...NEAR })).toEqual(expected);
  });

  it('Offhook --advertised leaves the other listeners their port', () => {
    const outside = outsideOf({ advertised: ['198.51.100.1:5099'], localNetworks: undefined });
    expect(outside?.advertised({ transport: 'tls', address: '10.0.0.1', port: 5061 })?.port).toBe(5061);
  });
});
