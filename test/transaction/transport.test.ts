import { describe, expect, it } from 'vitest';
import { parseVia, type Via } from '../../shim/core/sip/index.ts';
import { responseTarget, viaStamp, viaTarget } from '../../shim/core/transport.ts';
import { FLOW, TCP_FLOW } from './messages.ts';

function via(text: string): Via {
  const parsed = parseVia(text, 0, text.length);
  if (parsed === undefined) throw new Error(text);
  return parsed.via;
}

const FROM_FAR = { ...FLOW, remote: { address: '198.51.100.9', port: 1234 } };

describe('RFC 3261 18.2.1 and RFC 3581 4 what the top Via of a request is given', () => {
  it.each([
    ['nothing where sent-by is the source', 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1', FLOW, {}],
    ['nothing where only the port differs', 'SIP/2.0/UDP 192.0.2.1:5090;branch=z9hG4bK1', FLOW, {}],
    ['received where sent-by is another address', 'SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1', FROM_FAR, { received: '198.51.100.9' }],
    ['received where sent-by is a name', 'SIP/2.0/UDP phone.example.com;branch=z9hG4bK1', FLOW, { received: '192.0.2.1' }],
    [
      'received and rport where rport is asked for, even if they say nothing new',
      'SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK1',
      FLOW,
      { received: '192.0.2.1', rport: 5060 },
    ],
    [
      'the true values in place of those that the client claims',
      'SIP/2.0/UDP 10.0.0.1;rport=1;received=10.9.9.9',
      FROM_FAR,
      { received: '198.51.100.9', rport: 1234 },
    ],
    [
      'nothing where an IPv6 sent-by is the source',
      'SIP/2.0/UDP [2001:DB8::1]:5060',
      { ...FLOW, remote: { address: '2001:db8::1', port: 5060 } },
      {},
    ],
    [
      'received without the zone of a link-local source',
      'SIP/2.0/UDP [fe80::2]',
      { ...FLOW, remote: { address: 'fe80::1%eth0', port: 5060 } },
      { received: 'fe80::1' },
    ],
  ])('%s', (_, value, flow, stamp) => {
    expect(viaStamp(via(value), flow)).toEqual(stamp);
  });
});

describe('RFC 3261 18.2.2 and RFC 3581 4 where a response goes', () => {
  it('goes over UDP to the source address and the port of sent-by, from the socket that received', () => {
    expect(responseTarget(via('SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bK1'), FROM_FAR)).toEqual({
      transport: 'udp',
      host: '198.51.100.9',
      port: 5070,
      local: FLOW.local,
    });
    expect(responseTarget(via('SIP/2.0/UDP 10.0.0.1'), FROM_FAR).port).toBe(5060);
  });

  it('goes to the source port where rport is asked for', () => {
    expect(responseTarget(via('SIP/2.0/UDP 10.0.0.1:5070;rport'), FROM_FAR).port).toBe(1234);
  });

  it('goes over TCP to the connection, or else to the source address and the port of sent-by', () => {
    expect(responseTarget(via('SIP/2.0/TCP 10.0.0.1:5070;rport'), TCP_FLOW)).toEqual({
      transport: 'tcp',
      host: '192.0.2.1',
      port: 5070,
      connection: 7,
    });
  });

  it('does not follow maddr or a received that the client wrote itself', () => {
    expect(responseTarget(via('SIP/2.0/UDP 10.0.0.1;maddr=203.0.113.1;received=203.0.113.2'), FROM_FAR).host).toBe(
      '198.51.100.9',
    );
  });
});

describe('RFC 3261 16.11 where a response without a transaction goes', () => {
  it.each([
    ['SIP/2.0/UDP 10.0.0.1', { transport: 'udp', host: '10.0.0.1', port: 5060 }],
    ['SIP/2.0/UDP 10.0.0.1:5070;received=192.0.2.1', { transport: 'udp', host: '192.0.2.1', port: 5070 }],
    ['SIP/2.0/UDP 10.0.0.1:5070;received=192.0.2.1;rport=99', { transport: 'udp', host: '192.0.2.1', port: 99 }],
    ['SIP/2.0/TCP [2001:DB8::1]:5070', { transport: 'tcp', host: '2001:db8::1', port: 5070 }],
    ['SIP/2.0/TCP 10.0.0.1:5070;received=192.0.2.1;rport=99', { transport: 'tcp', host: '192.0.2.1', port: 5070 }],
    ['SIP/2.0/SCTP 10.0.0.1', undefined],
  ])('%s', (value, target) => {
    expect(viaTarget(via(value))).toEqual(target);
  });
});
