import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalAor, domainOf, isNumber, LIMITS, NUMBER_DOMAIN } from '../../worker/protocol/index.ts';

describe('RFC 3261 10.3 canonical address of record of a SIP URI', () => {
  it.each([
    ['sip:alice@example.com', 'sip:alice@example.com'],
    ['alice@example.com', 'sip:alice@example.com'],
    ['SIPS:alice:secret@EXAMPLE.com.:5061;transport=tls?subject=x', 'sip:alice@example.com'],
    ['sip:%61lice%2f%3a@example.com', 'sip:alice%2F%3A@example.com'],
    ['sip:alice@[2001:DB8::1]:5060', 'sip:alice@[2001:db8::1]'],
    ['sip:Alice@example.com', 'sip:Alice@example.com'],
    ['sip:*72#@pbx.example.com', 'sip:*72#@pbx.example.com'],
    ['sip:+1-201-555-0123@example.com', 'sip:+1-201-555-0123@example.com'],
    ['sip:%2B12015550123@example.com', 'sip:%2B12015550123@example.com'],
    ['sip:alice;ext=1-2@example.com', 'sip:alice;ext=1-2@example.com'],
  ])('%s is %s', (text, aor) => expect(canonicalAor(text)).toBe(aor));

  it.each([
    '',
    'alice',
    'sip:@example.com',
    'sip:al ice@example.com',
    'sip:alice@example.com\r\nX: y',
    'sip:al\u0000ice@example.com',
    'sip:\u0430lice@example.com',
    'sip:alice@ex\u0430mple.com',
    'sip:alice@\uff45xample.com',
    'sip:alice\uff20example.com',
    'sip:alice@\u212aelvin.com',
    'sip:al%4@example.com',
    `sip:${'a'.repeat(LIMITS.userLength)}@example.com`,
  ])('%j is none', (text) => expect(canonicalAor(text)).toBeUndefined());
});

describe('RFC 3966 canonical address of record of a telephone number', () => {
  it.each([
    ['tel:+1-201-555-0123', 'tel:+12015550123'],
    ['TEL:+1(201)555.0123', 'tel:+12015550123'],
    ['tel:%2B12015550123', 'tel:+12015550123'],
    ['tel:+12015550123;EXT=1-2;tgrp=trunk1', 'tel:+12015550123;ext=12'],
    ['tel:+12015550123;tgrp=trunk1;isub=%41b%2f', 'tel:+12015550123;isub=ab%2F'],
    ['tel:+12015550123;phone-context=example.com', 'tel:+12015550123'],
    ['tel:70-42;phone-context=Example.COM.', 'sip:7042@example.com'],
    ['tel:7042;ext=9;phone-context=example.com', 'sip:7042;ext=9@example.com'],
    ['tel:7042;phone-context=+1-201', 'tel:7042;phone-context=+1201'],
    ['tel:*72%23;phone-context=example.com', 'sip:*72#@example.com'],
    ['tel:DAD;phone-context=example.com', 'sip:dad@example.com'],
  ])('%s is %s', (text, aor) => expect(canonicalAor(text)).toBe(aor));

  it.each([
    ['sip:+1-201-555-0123@Example.com;user=phone', 'sip:+12015550123@example.com'],
    ['sips:%2B12015550123@example.com;transport=tls;USER=Phone', 'sip:+12015550123@example.com'],
    ['sip:+12015550123;ext=1-2;tgrp=x@example.com;user=phone', 'sip:+12015550123;ext=12@example.com'],
    ['sip:70-42;phone-context=example.com@example.com;user=phone', 'sip:7042@example.com'],
    ['sip:7042;phone-context=+1-201@example.com;user=phone', 'sip:7042;phone-context=+1201@example.com'],
    ['sip:Abe@example.com;user=phone', 'sip:Abe@example.com'],
    ['sip:alice-1@example.com;user=phone', 'sip:alice-1@example.com'],
    ['sip:+1-201@example.com;user=phonebook', 'sip:+1-201@example.com'],
    ['sip:+1-201@example.com?;user=phone', 'sip:+1-201@example.com'],
  ])('%s is %s', (text, aor) => expect(canonicalAor(text)).toBe(aor));

  it.each([
    'tel:',
    'tel:+',
    'tel:7042',
    'tel:+1201+',
    'tel:alice',
    'tel:+1201@example.com',
    'tel:+1201;ext=1;EXT=1',
    'tel:+1201;ext=',
    'tel:+1201;ext=x',
    'tel:+1201;',
    'tel:+1201;=x',
    'tel:7042;phone-context=',
    'tel:7042;phone-context=+x',
    'tel:7042;phone-context=ex ample.com',
    'tel:7042;phone-context=1234',
    'tel:+1201;isub=a@b',
    'tel:+1 201',
    'tel:+1201%',
    'tel:+1201%00',
    'tel:+1201\u0000',
    'tel:+1201\r\n',
    'tel:\uff0b1201',
    'tel:+\u0661\u0662\u0663',
    'tel:+1201\u2010555',
    '+12015550123',
  ])('%j is none', (text) => expect(canonicalAor(text)).toBeUndefined());

  it('belongs to a domain of its own where it names none', () => {
    expect(domainOf('tel:+12015550123')).toBe(NUMBER_DOMAIN);
    expect(domainOf('tel:7042;phone-context=+1201')).toBe(NUMBER_DOMAIN);
    expect(domainOf('sip:7042@example.com')).toBe('example.com');
    expect(domainOf('sip:tel:1@[2001:db8::1]')).toBe('[2001:db8::1]');
  });
});

/** A number, by its digits, with visual separators and escapes strewn in. */
const written = (digits: string, noise: readonly (readonly [number, string])[], escaped: boolean) => {
  let text = '';
  [...digits].forEach((digit, i) => {
    const char = escaped && i % 3 === 1 ? `%${digit.charCodeAt(0).toString(16)}` : digit;
    text += char + noise.flatMap(([at, mark]) => (at % digits.length === i ? mark : '')).join('');
  });
  return text;
};

const digits = fc.stringMatching(/^[0-9]{1,15}$/);
const noise = fc.array(fc.tuple(fc.nat(14), fc.constantFrom('-', '.', '(', ')', '%2d', '%2D')), { maxLength: 8 });

describe('RFC 3966 properties of canonical names', () => {
  it('are names of themselves, of ASCII that is seen, and no longer than the limit', () => {
    const part = fc.oneof(
      fc.constantFrom(
        'sip:',
        'SIPS:',
        'tel:',
        'TEL:',
        '+',
        '-',
        '.',
        '(',
        '%',
        '%2b',
        '%41',
        '%00',
        ';',
        '=',
        '@',
        ':',
        '?',
        '&',
      ),
      fc.constantFrom(
        ';user=phone',
        ';ext=',
        ';isub=',
        ';phone-context=',
        'example.com',
        '[::1]',
        'Alice',
        '\u0430',
        '\u212a',
        '\u017f',
      ),
      fc.stringMatching(/^[0-9a-zA-Z]{1,4}$/),
      fc.nat(0xffff).map((code) => String.fromCharCode(code)),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const aor = canonicalAor(parts.join(''));
        if (aor === undefined) return true;
        const domain = domainOf(aor);
        return (
          canonicalAor(aor) === aor &&
          /^(?:sip:[!-~]+@|tel:)[!-~]+$/.test(aor) &&
          aor.length <= LIMITS.userLength + 'sip:'.length &&
          canonicalAor(`sip:user@${domain}`) === `sip:user@${domain}`
        );
      }),
      { numRuns: 500 },
    );
  });

  it('do not depend on how a number is written', () => {
    fc.assert(
      fc.property(digits, noise, fc.boolean(), fc.constantFrom('tel:', 'TEL:', 'Tel:'), (number, marks, escaped, scheme) => {
        const text = written(number, marks, escaped);
        expect(canonicalAor(`${scheme}+${text}`)).toBe(`tel:+${number}`);
        expect(canonicalAor(`sip:+${text}@EXAMPLE.com:5060;User=PHONE`)).toBe(`sip:+${number}@example.com`);
        expect(canonicalAor(`tel:${text};x=y;phone-context=Example.com`)).toBe(`sip:${number}@example.com`);
      }),
    );
  });

  it('differ where numbers differ', () => {
    fc.assert(
      fc.property(digits, digits, noise, (a, b, marks) => {
        expect(canonicalAor(`tel:+${written(a, marks, false)}`) === canonicalAor(`tel:+${b}`)).toBe(a === b);
      }),
    );
  });

  it('are those of before for users without user=phone', () => {
    // The rule of earlier versions, under whose names users are stored.
    const former = (text: string) => {
      const match = /^(?:sips?:)?([^@\s<>"]+)@([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::\d{1,5})?$/i.exec(text);
      const user = match?.[1]?.replace(/:.*$/s, '') ?? '';
      if (!match || user === '' || /[^!-~]|%(?![0-9a-f]{2})/i.test(user)) return undefined;
      const unescaped = user.replace(/%[0-9a-f]{2}/gi, (code) => {
        const char = String.fromCharCode(Number.parseInt(code.slice(1), 16));
        return /[A-Za-z0-9_.!~*'()-]/.test(char) ? char : code.toUpperCase();
      });
      return `sip:${unescaped}@${match[2]?.toLowerCase()}`;
    };
    const user = fc.stringMatching(/^[A-Za-z0-9+;=%#*().-]{1,20}$/);
    fc.assert(
      fc.property(user, fc.constantFrom('example.com', 'PBX.example.net:5070'), (name, host) => {
        expect(canonicalAor(`sip:${name}@${host}`)).toBe(former(`sip:${name}@${host}`));
      }),
    );
  });

  it('tell numbers from users by their scheme', () => {
    fc.assert(
      fc.property(digits, (number) => {
        expect([isNumber(`tel:+${number}`), isNumber(`sip:+${number}@example.com`)]).toEqual([true, false]);
      }),
    );
  });
});
