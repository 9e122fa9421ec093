import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressRange } from '../../shim/config/kind.ts';
import { AddressSet, parseAddressRange } from '../../shim/core/address-set.ts';

const set = (...ranges: string[]) => AddressSet.of(ranges);

describe('RFC 4632 and RFC 4291 2.3 ranges of addresses', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['192.0.2.0/24', '192.0.2.255', true],
    ['192.0.2.0/24', '192.0.3.0', false],
    ['192.0.2.77/24', '192.0.2.1', true],
    ['10.0.0.0/9', '10.127.255.255', true],
    ['10.0.0.0/9', '10.128.0.0', false],
    ['128.0.0.0/1', '255.255.255.255', true],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['2001:db8::/33', '2001:db8:7fff::', true],
    ['2001:db8::/33', '2001:db8:8000::', false],
    ['[2001:db8::1]', '2001:DB8:0:0::1', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['::/0', '::1', true],
    ['::/0', '192.0.2.1', false],
    ['192.0.2.0/24', '::ffff:192.0.2.7', true],
    ['::ffff:192.0.2.0/120', '192.0.2.7', true],
    ['::ffff:192.0.2.7', '192.0.2.7', true],
  ])('%s has %s: %s', (range, address, expected) => {
    expect(set(range).has(address)).toBe(expected);
  });

  it.each([
    '',
    'example.com',
    '192.0.2',
    '192.0.2.0/33',
    '192.0.2.0/',
    '192.0.2.0/-1',
    '192.0.2.256',
    '::/129',
    '::1/x',
    '1.2.3.4/24/8',
  ])('takes "%s" for no range', (text) => {
    expect(parseAddressRange(text)).toBeUndefined();
    expect(addressRange.read(text).ok).toBe(false);
  });

  it.each(['', 'localhost', '1.2.3', '1.2.3.4.5', '1.2.3.256', '1..2.3', '1.2.3.'])(
    'no range has "%s", which is no address',
    (text) => {
      expect(set('0.0.0.0/0', '::/0').has(text)).toBe(false);
    },
  );

  it('looks through all of its ranges, and has nothing where it has none', () => {
    const both = set('192.0.2.0/24', '198.51.100.7', '10.0.0.0/8', '2001:db8::/32', '2001:db9::5');
    for (const address of ['192.0.2.9', '198.51.100.7', '10.9.9.9', '2001:db8::', '2001:db9::5'])
      expect(both.has(address)).toBe(true);
    for (const address of ['198.51.100.8', '2001:db9::6']) expect(both.has(address)).toBe(false);
    expect(set().has('127.0.0.1')).toBe(false);
  });

  it('has an address exactly where its first bits are those of the range', () => {
    const word = fc.nat(0xffff_ffff);
    const dotted = (n: number) => [24, 16, 8, 0].map((shift) => (n >>> shift) & 255).join('.');
    fc.assert(
      fc.property(word, word, fc.integer({ min: 0, max: 32 }), (range, address, bits) => {
        const same = Array.from({ length: bits }, (_, i) => 31 - i).every(
          (bit) => ((range >>> bit) & 1) === ((address >>> bit) & 1),
        );
        expect(set(`${dotted(range)}/${bits}`).has(dotted(address))).toBe(same);
        expect(set(`::ffff:${dotted(range)}/${96 + bits}`).has(`::ffff:${dotted(address)}`)).toBe(same);
      }),
    );
  });
});
