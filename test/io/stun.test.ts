import { afterEach, describe, expect, it } from 'vitest';
import { stunAnswer } from '../../shim/io/stun.ts';
import { Fixture, HAS_IPV6, portOf, UDP4, UDP6 } from './network-fixture.ts';

const fixture = new Fixture();
afterEach(() => fixture.close());

const ID = Buffer.from('b7e7a701bc34d686fa87dfae', 'hex');

/** A binding request (RFC 5389 6) with these attributes. */
const binding = (attributes = '') => {
  const body = Buffer.from(attributes, 'hex');
  const header = Buffer.from([0, 1, body.length >> 8, body.length & 0xff, 0x21, 0x12, 0xa4, 0x42]);
  return Buffer.concat([header, ID, body]);
};

describe('RFC 5389 STUN binding requests', () => {
  // RFC 5769 2.2 and 2.3: the addresses and their XOR of the sample responses.
  it.each([
    ['IPv4', '192.0.2.1', '0020000800 01a147e112a643'.replace(' ', '')],
    ['IPv6', '2001:db8:1234:5678:11:2233:4455:6677', '002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9'],
  ])('RFC 5769 2: are answered with the address that they came from, over %s', (_, address, expected) => {
    const answer = stunAnswer(binding(), { address, port: 32_853 }) as Buffer;
    expect(answer.subarray(0, 2).toString('hex')).toBe('0101');
    expect(answer.subarray(4, 8).toString('hex')).toBe('2112a442');
    expect(answer.subarray(8, 20)).toEqual(ID);
    expect(answer.subarray(20).toString('hex')).toBe(expected);
    expect(answer.readUInt16BE(2)).toBe(answer.length - 20);
  });

  it('7.3.1: are answered 420 where they ask for something that must be understood', () => {
    const answer = stunAnswer(binding('0003000400000006' + '80220000'), { address: '192.0.2.1', port: 1 }) as Buffer;
    expect(answer.subarray(0, 2).toString('hex')).toBe('0111');
    expect(answer.subarray(20).toString('hex')).toBe('0009000400000414' + '000a000200030000');
  });

  it.each([
    ['a response', Buffer.concat([Buffer.from([1, 1]), binding().subarray(2)])],
    ['one whose length is wrong', Buffer.concat([binding(), Buffer.alloc(4)])],
  ])('are not confused with %s, which is not answered', (_, datagram) => {
    expect(stunAnswer(datagram, { address: '192.0.2.1', port: 1 })).toBeUndefined();
  });
});

describe('RFC 5626 4.4.2 keep-alive by STUN', () => {
  it.each([['IPv4', UDP4] as const, ...(HAS_IPV6 ? [['IPv6', UDP6] as const] : [])])(
    'is answered at the SIP port over %s, and SIP goes on there',
    async (_, point) => {
      const a = await fixture.open([point]);
      const peer = await fixture.udpPeer(point.address);
      peer.socket.send(binding(), portOf(a), point.address);
      const answer = await peer.received.next();
      expect(answer).toEqual(stunAnswer(binding(), { address: point.address, port: peer.port }));
      expect((await a.pings.next()).remote.port).toBe(peer.port);
      peer.socket.send(binding().subarray(0, 19), portOf(a), point.address);
      peer.socket.send('OPTIONS sip:x SIP/2.0\r\n\r\n', portOf(a), point.address);
      let last = '';
      while (!last.startsWith('OPTIONS')) last = (await a.messages.next()).text;
      expect(a.messages.size).toBe(0);
    },
  );
});
