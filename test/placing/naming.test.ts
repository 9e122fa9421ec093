import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { numberRule } from '../../shim/config/placing-kind.ts';
import { Naming, type NumberRule } from '../../shim/core/placing/naming.ts';
import { contactHash, parsePlace, placeToken } from '../../shim/core/placing/token.ts';
import { Self } from '../../shim/core/proxy/self.ts';
import { parseUri, type SipUri } from '../../shim/core/sip/index.ts';

const rule = (text: string): NumberRule => {
  const reading = numberRule.read(text);
  if (!reading.ok) throw new Error(reading.expected);
  return reading.value;
};

const naming = (numbers: readonly string[], aliases: readonly (readonly [string, string])[] = [['old.example', 'example.com']]) =>
  new Naming({ aliases: new Map(aliases), numbers: numbers.map(rule) }, ['example.com', 'second.example']);

describe('RFC 3261 10.3 step 5 whose address of record a URI is', () => {
  const names = naming([
    '+49301234=alice@example.com',
    '+4930555*=*@example.com',
    '+493055599*=desk@second.example',
    '101=alice@example.com',
  ]);

  it.each([
    ['sip:bob@example.com', 'sip:bob@example.com'],
    ['sip:bob@OLD.example:5070;transport=tcp', 'sip:bob@example.com'],
    ['sip:bob@elsewhere.example', 'sip:bob@elsewhere.example'],
    ['tel:+49-30-1234', 'sip:alice@example.com'],
    ['tel:+4930555(12)', 'sip:12@example.com'],
    ['tel:+4930555991', 'sip:desk@second.example'],
    ['tel:+4940', undefined],
    ['sip:+49301234@example.com;user=phone', 'sip:alice@example.com'],
    ['sip:+49301234@old.example', 'sip:alice@example.com'],
    ['sip:101@second.example', 'sip:alice@example.com'],
    ['sip:+49301234@elsewhere.example;user=phone', 'sip:+49301234@elsewhere.example'],
    ['sip:example.com', undefined],
    ['tel:+49-30-1234;ext=5', 'sip:alice@example.com'],
    ['sip:+49301234;ext=5@example.com;user=phone', 'sip:alice@example.com'],
    ['tel:7042;phone-context=old.example', 'sip:7042@example.com'],
    ['tel:101;phone-context=second.example', 'sip:alice@example.com'],
    ['tel:101;phone-context=elsewhere.example', 'sip:101@elsewhere.example'],
    ['tel:101', 'sip:alice@example.com'],
    ['sip:+1-201-555-0123@example.com;user=phone', 'sip:+12015550123@example.com'],
  ])('%s is %s', (uri, aor) => expect(names.aorOf(uri)).toBe(aor));

  it('without aliases and numbers is the canonical form alone', () => {
    expect(naming([], []).aorOf('sip:+49301234@example.com;user=phone')).toBe('sip:+49301234@example.com');
    expect(naming([], []).aorOf('tel:+49301234')).toBeUndefined();
  });

  it('has the numbers of its users alone, and those within its domains, as its own', () => {
    const self = new Self([], ['example.com', 'old.example', 'second.example']);
    const user = (uri: string) => names.localUser(parseUri(uri) as SipUri, self);
    expect(user('tel:+49-30-1234')).toBe('sip:alice@example.com');
    expect(user('tel:7042;phone-context=example.com')).toBe('sip:7042@example.com');
    expect(user('tel:7042;phone-context=elsewhere.example')).toBeUndefined();
    expect(user('tel:+4940')).toBeUndefined();
    expect(user('sip:+1-201-555-0123@example.com;user=phone')).toBe('sip:+12015550123@example.com');
    expect(user('sip:+1-201-555-0123@example.com')).toBe('sip:+1-201-555-0123@example.com');
  });

  it('is the same for what it has named once', () =>
    fc.assert(
      fc.property(fc.stringMatching(/^\+?[0-9]{1,12}$/), fc.constantFrom('example.com', 'old.example'), (user, host) => {
        const once = naming(['+4930*=x*@example.com', '030*=x*@example.com'], [['old.example', 'example.com']]).aorOf(
          `sip:${user}@${host}`,
        );
        return once !== undefined && naming([]).aorOf(once) === once;
      }),
    ));
});

describe('RFC 3966 5.1.1 numbers as they are configured', () => {
  it.each([
    '',
    'alice',
    '+49=alice',
    '=alice@example.com',
    '+49=a*b*@example.com',
    'abc=alice@example.com',
    '+49=al ice@example.com',
  ])('%j is none', (text) => expect(numberRule.read(text).ok).toBe(false));

  it.each(['+49301234=alice@example.com', '+4930*=*@example.com', '0*=a*@example.com'])('%s reads as it is shown', (text) =>
    expect(numberRule.show(rule(text))).toBe(text),
  );
});

describe('RFC 3327 5.2 the name of a place in a Path', () => {
  it.each(['sip:alice@example.com', 'sip:a.b-c_d~e!@[2001:db8::1]', "sip:%C3%A9%40x'(1)@example.com"])(
    '%s is read as it was written',
    (aor) => {
      const token = placeToken(aor, 'sip:alice@192.0.2.1');
      expect(token).toMatch(/^[A-Za-z0-9._~-]+$/);
      expect(parsePlace(token)).toEqual({ aor, contact: contactHash('sip:alice@192.0.2.1') });
      expect(parsePlace(placeToken(aor))).toEqual({ aor });
    },
  );

  it.each(['alice', 'offhook-', 'offhook-a%40b', 'offhook-a~xyz', 'offhook-a_zz'])('%s is none', (user) =>
    expect(parsePlace(user)).toBeUndefined(),
  );
});
