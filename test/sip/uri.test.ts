import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aorOf, formatUri, parseIpv6, parseUri, uriEqual } from '../../shim/core/sip/index.ts';

describe('RFC 3261 19.1.1 SIP URI', () => {
  it.each([
    ['sip:alice@atlanta.com', { scheme: 'sip', user: 'alice', host: 'atlanta.com' }],
    ['sip:alice:secretword@atlanta.com;transport=tcp', { user: 'alice', password: 'secretword', host: 'atlanta.com' }],
    [
      'sips:alice@ATLANTA.com?subject=project%20x&priority=urgent',
      { scheme: 'sips', headers: 'subject=project%20x&priority=urgent' },
    ],
    ['sip:+1-212-555-1212:1234@gateway.com;user=phone', { user: '+1-212-555-1212', password: '1234' }],
    ['SIP:1212@gateway.com', { scheme: 'sip', user: '1212' }],
    [
      'sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com',
      { user: '', host: 'atlanta.com', headers: 'to=alice%40atlanta.com' },
    ],
    ['sip:alice;day=tuesday@atlanta.com', { user: 'alice;day=tuesday' }],
    ['sip:*72#@pbx.example.com', { user: '*72#' }],
    ['sip:bob@[2001:DB8::1]:5061', { host: '[2001:db8::1]', port: 5061 }],
    ['tel:+1-201-555-0123;phone-context=example.com', { scheme: 'tel', user: '+1-201-555-0123', host: '' }],
    ['sip:a@b;x=1;X=2', { params: new Map([['x', '1']]) }],
    ['urn:service:sos', { scheme: 'urn', user: 'service:sos', host: '' }],
  ])('reads %s', (text, parts) => expect(parseUri(text)).toMatchObject(parts));

  it.each([
    '',
    'sip:',
    'alice@atlanta.com',
    ':alice@atlanta.com',
    'sip:@atlanta.com',
    'sip::pw@atlanta.com',
    'sip:a@b@c',
    'sip:alice@',
    'sip:alice@atlanta.com:0',
    'sip:alice@atlanta.com:65536',
    'sip:alice@atlanta.com:99999999999999999999',
    'sip:alice@atlanta.com:',
    'sip:alice@atlanta.com:50x',
    'sip:%4@atlanta.com',
    'sip:%zz@atlanta.com',
    'sip:alice@[::1',
    'sip:alice@[]',
    'sip:alice@[1:2:3]',
    'sip:alice@[::1]x',
    'sip:alice@atlanta.com;',
    'sip:alice@atlanta.com;;lr',
    'sip:alice@atlanta.com;=x',
    'sip:al ice@atlanta.com',
    'sip:alice@atlanta.com>',
    'sip:alice@atl\r\nanta.com',
    'tel:',
    'tel:abcxyz',
    '1x:y',
  ])('refuses %j', (text) => expect(parseUri(text)).toBeUndefined());

  it('comes back the same from text and parts', () => {
    const word = fc.stringMatching(/^[a-z0-9.!~*'()&=+$,?/-]{1,12}$/);
    const uri = fc.record({
      scheme: fc.constantFrom('sip', 'sips'),
      user: fc.oneof(word, fc.constant('')),
      host: fc.oneof(
        fc.domain(),
        fc.ipV4(),
        fc.ipV6().map((ip) => `[${ip.toLowerCase()}]`),
      ),
      port: fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined }),
      params: fc.uniqueArray(
        fc.tuple(
          fc.stringMatching(/^[a-z%0-9-]{1,8}$/),
          fc.oneof(
            fc.constant(true as const),
            word.filter((w) => !w.includes('?')),
          ),
        ),
        {
          selector: ([name]) => name,
        },
      ),
    });
    fc.assert(
      fc.property(uri, ({ params, ...parts }) => {
        const whole = { ...parts, password: undefined, headers: '', params: new Map(params) };
        expect(parseUri(formatUri(whole))).toEqual(whole);
      }),
    );
  });

  it('is total: any text is read or refused, and what is read can be written and read again', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^sips?:[ -~]{0,40}$/)), (text) => {
        const uri = parseUri(text);
        if (uri !== undefined) expect(parseUri(formatUri(uri))).toEqual(uri);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('RFC 3261 19.1.4 URI comparison', () => {
  it.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com;newparam=5', 'sip:carol@chicago.com;security=on'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    ['sip:alice@atlanta.com?subject=project%20x&priority=urgent', 'sip:alice@atlanta.com?priority=urgent&subject=project%20x'],
    ['sip:alice@[2001:db8::1]', 'sip:alice@[2001:DB8:0:0:0:0:0:1]'],
    ['tel:+1-201-555-0123', 'tel:+12015550123'],
  ])('%s and %s are equivalent', (a, b) => expect([uriEqual(a, b), uriEqual(b, a)]).toEqual([true, true]));

  it.each([
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
    ['sip:bob@biloxi.com', 'sips:bob@biloxi.com'],
    ['sip:bob@biloxi.com', 'sip:bob:pw@biloxi.com'],
    ['sip:a%40b@c.com', 'sip:a%41b@c.com'],
  ])('%s and %s are not', (a, b) => expect([uriEqual(a, b), uriEqual(b, a)]).toEqual([false, false]));
});

describe('RFC 3261 10.3 address of record', () => {
  it('is the same for each spelling of a user', () => {
    const spellings = ['sip:alice@atlanta.com', 'sips:%61lice@ATLANTA.com:5061;transport=tcp', 'sip:alice:pw@atlanta.com?a=b'];
    expect(spellings.map(aorOf)).toEqual(spellings.map(() => 'sip:alice@atlanta.com'));
  });
});

describe('RFC 4291 2.2 IPv6 text', () => {
  it.each(['::', '::1', '1::', '2001:db8::9:1', '1:2:3:4:5:6:7:8', '::ffff:192.0.2.1', '1:2:3:4:5:6:192.0.2.1'])(
    'reads %s',
    (text) => expect(parseIpv6(text)).toHaveLength(8),
  );

  it.each([
    '',
    ':',
    ':::',
    '1',
    '1:2',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '12345::',
    'g::',
    '::1.2.3',
    '::1.2.3.256',
    '1:2:3:4:5:6:7::8:9',
  ])('refuses %j', (text) => expect(parseIpv6(text)).toBeUndefined());
});
