import { describe, expect, it } from 'vitest';
import {
  body,
  contacts,
  DEFAULT_MESSAGE_LIMITS,
  parseUri,
  relayRequest,
  scan,
  stampRequest,
  topVia,
  uriEqual,
  vias,
} from '../../shim/core/sip/index.ts';
import { fixture, message } from './support.ts';

const torture = (name: string) => fixture(`rfc5118/${name}.sip`);

describe('RFC 5118 IPv6 torture messages', () => {
  it('4.1 reads an IPv6 reference in Request-URI, Via and Contact', () => {
    const m = message(torture('ipv6-good'));
    expect(parseUri(m.uri)).toMatchObject({ user: '', host: '[2001:db8::10]', port: undefined });
    expect(topVia(m)).toMatchObject({ host: '[2001:db8::9:1]', port: undefined, branch: 'z9hG4bKas3-111' });
    expect(contacts(m)).toMatchObject({ contacts: [{ display: 'Caller', uri: 'sip:caller@[2001:db8::1]' }] });
  });

  it('4.2 answers 400 to an address without its brackets', () => {
    const result = scan(torture('ipv6-bad'), DEFAULT_MESSAGE_LIMITS, 'datagram');
    expect(result).toMatchObject({ ok: false, status: 400, reason: 'Malformed Request-URI', message: { method: 'REGISTER' } });
  });

  it('4.3 takes a port within the brackets for a part of the address', () => {
    expect(parseUri(message(torture('port-ambiguous')).uri)).toMatchObject({ host: '[2001:db8::10:5070]', port: undefined });
  });

  it('4.4 takes a port behind the brackets for the port', () => {
    expect(parseUri(message(torture('port-unambiguous')).uri)).toMatchObject({ host: '[2001:db8::10]', port: 5070 });
  });

  it('4.5 reads received with and without brackets', () => {
    const delimited = topVia(message(torture('via-received-param-with-delim')));
    expect(delimited).toMatchObject({ received: '[2001:db8::9:255]', branch: 'z9hG4bKas3-111' });
    const bare = topVia(message(torture('via-received-param-no-delim')));
    expect(bare).toMatchObject({ received: '2001:db8::9:255', branch: 'z9hG4bKas3' });
  });

  it.each(['ipv6-in-sdp', 'mult-ip-in-sdp', 'ipv4-mapped-ipv6'])('4.6, 4.8, 4.9 relays the body of %s untouched', (name) => {
    const m = message(torture(name));
    const relayed = message(relayRequest(m, { via: 'SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bKy', maxForwards: 69 }));
    expect(body(relayed)).toBe(body(m));
    expect(body(m)).toContain('IN IP6');
  });

  it('4.7 reads a Via list of IPv4 and IPv6', () => {
    expect(vias(message(torture('mult-ip-in-header')))).toMatchObject([
      { transport: 'UDP', host: '[2001:db8::9:1]', port: 6050 },
      { transport: 'UDP', host: '192.0.2.1' },
      { transport: 'TCP', host: '[2001:db8::9:255]', received: '192.0.2.200' },
    ]);
  });

  it('4.9 reads IPv4-mapped addresses', () => {
    expect(vias(message(torture('ipv4-mapped-ipv6')))).toMatchObject([
      { host: '[::ffff:192.0.2.10]', port: 19823 },
      { host: '[::ffff:192.0.2.2]', port: undefined },
    ]);
  });

  it('4.10 tolerates the third colon of the old grammar and drops it', () => {
    const three = message(torture('ipv6-bug-abnf-3-colons')).uri;
    const two = message(torture('ipv6-correct-abnf-2-colons')).uri;
    expect(parseUri(three)?.host).toBe('[2001:db8::192.0.2.1]');
    expect(uriEqual(three, two)).toBe(true);
  });

  it('stamps an IPv6 source into an IPv6 Via', () => {
    const stamped = stampRequest(message(torture('ipv6-good')), { received: '2001:db8::9:99' });
    expect(topVia(message(stamped))).toMatchObject({ host: '[2001:db8::9:1]', received: '2001:db8::9:99' });
  });
});
