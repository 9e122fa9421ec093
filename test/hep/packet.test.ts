import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HepFramer } from '../../shim/core/hep/frame.ts';
import { address, decodeHep, HEP_FAULTS, HEP_LIMITS } from '../../shim/core/hep/packet.ts';
import { chunk, encodeHep, ipBytes, packetOf, uint16 } from '../support/hep.ts';

const decode = (text: string) => decodeHep(text, 1000);
const fault = (text: string) => {
  const result = decode(text);
  return result.ok ? 'none' : result.fault;
};
const whole = encodeHep({ payload: 'OPTIONS' });

describe('Offhook HEP version 3 packets', () => {
  it.each([
    ['IPv4', ['192.0.2.1', 5060], ['198.51.100.2', 40_000]],
    ['IPv6', ['2001:db8::1', 5060], ['::1', 5061]],
  ] as const)('reads addresses of %s, ports, time, agent, key and payload', (_family, source, destination) => {
    const parts = { source, destination, at: 1_780_000_000_123, key: 'secret', captureId: 70_000, payload: 'SIP\r\n\xff' };
    const result = decode(encodeHep({ ...parts, more: [chunk(0x11, 'call'), chunk(1, 'x', 0x2a)] }));
    expect(result).toEqual({
      ok: true,
      packet: {
        source: { address: source[0], port: source[1] },
        destination: { address: destination[0], port: destination[1] },
        protocol: 17,
        at: parts.at,
        captureId: 70_000,
        authKey: 'secret',
        correlationId: 'call',
        payloadType: 1,
        payload: parts.payload,
      },
    });
  });

  it.each([
    ['not-hep', 'OPTIONS sip:a@b SIP/2.0'],
    ['old-version', '\x02\x10\x02\x11rest of it'],
    ['length', `${whole}x`],
    ['length', whole.slice(0, 5)],
    ['chunk-length', packetOf('\0\0\0')],
    ['chunk-length', packetOf(`${uint16(0)}${uint16(15)}${uint16(5)}`)],
    ['chunk-length', packetOf(`${uint16(0)}${uint16(15)}${uint16(700)}abc`)],
    ['too-many-chunks', packetOf(...new Array(HEP_LIMITS.chunks + 1).fill(chunk(99, '', 5)))],
    ['chunk-value', packetOf(chunk(7, 'abc'))],
    ['family', packetOf(chunk(1, '\x07'))],
    ['incomplete', packetOf(chunk(15, 'x'))],
    ['incomplete', encodeHep({ payload: 'x' }).replace(chunk(1, '\x02'), chunk(1, '\x0a'))],
    ['compressed', encodeHep({ more: [chunk(16, 'zip')] })],
    ['too-long', encodeHep({ payload: 'x'.repeat(1001) })],
    ['too-long', encodeHep({ key: 'x'.repeat(HEP_LIMITS.textBytes + 1) })],
  ] as const)('refuses with the reason %s', (reason, text) => {
    expect(fault(text)).toBe(reason);
  });

  it('has a case above for each reason, and reads any bytes without throwing', () => {
    const bytes = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 80 }).map((all) => String.fromCharCode(...all));
    fc.assert(
      fc.property(bytes, fc.nat(whole.length), (junk, at) => {
        for (const text of [
          junk,
          `HEP3${uint16(junk.length + 6)}${junk}`,
          whole.slice(0, at) + junk + whole.slice(at + junk.length),
        ]) {
          const reason = fault(text);
          expect(['none', ...HEP_FAULTS]).toContain(reason);
        }
      }),
    );
  });

  it('reads what it can be told of any address as RFC 5952 writes it', () => {
    const cases = [
      '::',
      '::1',
      '1::',
      '2001:db8:0:1:0:0:0:1',
      '2001:db8::1:0:0:1',
      '1:0:2:3:4:5:6:7',
      '10:0:0:100::',
      '192.0.2.9',
    ];
    const canonical = [
      '::',
      '::1',
      '1::',
      '2001:db8:0:1::1',
      '2001:db8::1:0:0:1',
      '1:0:2:3:4:5:6:7',
      '10:0:0:100::',
      '192.0.2.9',
    ];
    expect(cases.map((text) => address(ipBytes(text)))).toEqual(canonical);
    expect(address(ipBytes('::ffff:192.0.2.9'))).toBe('192.0.2.9');
  });
});

describe('Offhook HEP over TCP', () => {
  it('finds the same packets however the stream is cut', () => {
    const packets = ['a', 'bb', ''].map((payload) => encodeHep({ payload }));
    const stream = packets.join('');
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 20 }), (cuts) => {
        const framer = new HepFramer();
        const places = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
        const frames = places.slice(1).flatMap((end, i) => framer.push(stream.slice(places[i], end)));
        expect(frames).toEqual(packets.map((text) => ({ type: 'packet', text })));
        expect(framer.held).toBe(0);
      }),
    );
  });

  it('says that it is lost at the first byte that is not of a packet, and then nothing more', () => {
    const framer = new HepFramer();
    expect(framer.push(`${whole}GET / HTTP`).map(({ type }) => type)).toEqual(['packet', 'error']);
    expect(framer.push(whole)).toEqual([]);
  });
});
