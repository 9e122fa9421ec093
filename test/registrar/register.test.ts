import { describe, expect, it } from 'vitest';
import { Location } from '../../shim/core/registrar/location.ts';
import { DEFAULT_REGISTRAR_POLICY, policyProblems } from '../../shim/core/registrar/policy.ts';
import { AOR, expectOk, FLOW, registrar, story, T0, values } from './request.ts';

const A = 'Contact: <sip:alice@192.0.2.1>';
const B = 'Contact: <sip:alice@192.0.2.2>';

describe('RFC 3261 10.3 registrar: what is granted', () => {
  it('binds a contact for the time asked for and lists it with the time left and a Date', () => {
    const { location, at, send } = registrar();
    const result = expectOk(send([A], { expires: 600 }));
    expect(story(result)).toEqual(['added sip:alice@192.0.2.1']);
    expect(values(result, 'Contact')).toEqual(['<sip:alice@192.0.2.1>;expires=600']);
    expect(values(result, 'Date')).toEqual(['Sun, 22 Nov 2026 10:00:00 GMT']);
    expect(location.lookup(AOR, T0)).toMatchObject([{ aor: AOR, since: T0, expiresAt: T0 + 600_000, flow: FLOW, q: 1 }]);
    at.now += 200_500;
    expect(values(expectOk(send([])), 'Contact')).toEqual(['<sip:alice@192.0.2.1>;expires=399']);
  });

  it('takes the expires parameter before the Expires header before the default', () => {
    const { send } = registrar({ defaultExpires: 1800 });
    const result = expectOk(send([`${A};expires=120`, B], { expires: 240 }));
    expect(values(result, 'Contact').toSorted()).toEqual([
      '<sip:alice@192.0.2.1>;expires=120',
      '<sip:alice@192.0.2.2>;expires=240',
    ]);
    expect(values(registrar({ defaultExpires: 1800 }).send([A]), 'Contact')).toEqual(['<sip:alice@192.0.2.1>;expires=1800']);
  });

  it('reads a malformed expiry as none', () => {
    const { send } = registrar();
    expect(values(expectOk(send([`${A};expires=soon`])), 'Contact')).toEqual(['<sip:alice@192.0.2.1>;expires=3600']);
  });

  it('shortens what is above the greatest time', () => {
    const { send } = registrar({ maxExpires: 7200 });
    expect(values(send([A], { expires: 4_294_967_295 }), 'Contact')).toEqual(['<sip:alice@192.0.2.1>;expires=7200']);
  });

  it('refuses with 423 and Min-Expires only what is above zero and below the least time, and changes nothing', () => {
    const { location, send } = registrar({ minExpires: 60 });
    for (const expires of [1, 59]) {
      const result = send([B, `${A};expires=${expires}`]);
      expect(result).toMatchObject({ status: 423, reason: 'Interval Too Brief', changes: [] });
      expect(values(result, 'Min-Expires')).toEqual(['60']);
      expect(location.size).toBe(0);
    }
    expectOk(send([`${A};expires=60`]));
    expectOk(send([`${A};expires=0`], { cseq: 2 }));
  });

  it('keeps several contacts with q and further parameters, best first', () => {
    const { location, at, send } = registrar();
    const result = send([
      `${A};q=0.3;+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>";reg-id=1, <sips:b@x.example;ob>;q=0.5`,
    ]);
    expect(values(result, 'Contact')).toEqual([
      '<sips:b@x.example;ob>;q=0.5;expires=3600',
      '<sip:alice@192.0.2.1>;q=0.3;expires=3600;+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>";reg-id=1',
    ]);
    at.now += 1000;
    send([`${B};q=0.5`], { callId: 'c2' });
    expect(location.lookup(AOR, at.now).map(({ contact }) => contact)).toEqual([
      'sip:alice@192.0.2.2',
      'sips:b@x.example;ob',
      'sip:alice@192.0.2.1',
    ]);
  });

  it('answers a REGISTER without Contact with all bindings and changes nothing', () => {
    const { send } = registrar();
    expect(values(expectOk(send([])), 'Contact')).toEqual([]);
    send([A, B]);
    const fetch = expectOk(send([], { cseq: 1 }));
    expect(fetch.changes).toEqual([]);
    expect(values(fetch, 'Contact')).toHaveLength(2);
  });
});

describe('RFC 3261 10.3 registrar: order of requests', () => {
  it('refreshes by the same Call-ID and a higher CSeq, and keeps when the binding began', () => {
    const { location, at, send } = registrar();
    send([A], { expires: 600 });
    at.now += 300_000;
    expect(story(expectOk(send([A], { cseq: 2, expires: 600 })))).toEqual(['refreshed sip:alice@192.0.2.1']);
    expect(location.lookup(AOR, at.now)).toMatchObject([{ since: T0, expiresAt: T0 + 900_000, cseq: 2 }]);
  });

  it.each([4, 5])('aborts where the Call-ID is the same and the CSeq (%i) is not higher than the one stored', (cseq) => {
    const { location, send } = registrar();
    send([A], { cseq: 5 });
    const before = location.get(AOR);
    for (const lines of [[A], [`${A};expires=0`], [B, A]]) {
      expect(send(lines, { cseq })).toMatchObject({ status: 500, changes: [] });
      expect(location.get(AOR)).toBe(before);
    }
    expect(send(['Contact: *'], { cseq, expires: 0 })).toMatchObject({ status: 500, changes: [] });
    expect(location.get(AOR)).toBe(before);
  });

  it('takes any CSeq with another Call-ID: the phone was started anew', () => {
    const { send } = registrar();
    send([A], { callId: 'old', cseq: 900 });
    expect(story(expectOk(send([A], { callId: 'new', cseq: 1 })))).toEqual(['refreshed sip:alice@192.0.2.1']);
  });

  it('compares contacts as URIs, and a contact spelt anew is never off-line in between', () => {
    const { location, at, send } = registrar();
    send(['Contact: <sip:%61lice@EXAMPLE.net>']);
    at.now += 5000;
    const result = expectOk(send(['Contact: <sip:alice@example.NET;ob>'], { cseq: 2 }));
    expect(story(result)).toEqual(['added sip:alice@example.NET;ob', 'removed sip:%61lice@EXAMPLE.net displaced']);
    expect(location.lookup(AOR, at.now)).toMatchObject([{ contact: 'sip:alice@example.NET;ob', since: T0 }]);
    expect(story(send(['Contact: <sip:alice@example.net:5060>'], { cseq: 3 }))).toEqual(['added sip:alice@example.net:5060']);
  });

  it('lets the last word hold where a request names one contact twice', () => {
    const { location, send } = registrar();
    expect(story(expectOk(send([`${A};expires=100, <sip:alice@192.0.2.1>;expires=200`])))).toHaveLength(2);
    expect(location.get(AOR)).toMatchObject([{ expiresAt: T0 + 200_000 }]);
  });
});

describe('RFC 3261 10.2.2 removing bindings', () => {
  it('removes one contact by expires 0 and answers with the others', () => {
    const { send } = registrar();
    send([A, B]);
    const result = expectOk(send([`${A};expires=0`], { cseq: 2 }));
    expect(story(result)).toEqual(['removed sip:alice@192.0.2.1 unregistered']);
    expect(values(result, 'Contact')).toEqual(['<sip:alice@192.0.2.2>;expires=3600']);
  });

  it('answers 200 to the removal of what is not bound', () => {
    expect(expectOk(registrar().send([A], { expires: 0 })).changes).toEqual([]);
  });

  it('removes all by Contact: * with Expires: 0', () => {
    const { location, send } = registrar();
    send([A, B]);
    const result = expectOk(send(['Contact: *'], { callId: 'other', expires: 0 }));
    expect(story(result).toSorted()).toEqual([
      'removed sip:alice@192.0.2.1 unregistered',
      'removed sip:alice@192.0.2.2 unregistered',
    ]);
    expect(values(result, 'Contact')).toEqual([]);
    expect(location.has(AOR, T0)).toBe(false);
    expect(location.nextDeadline()).toBeUndefined();
  });

  it.each([
    ['without Expires', ['Contact: *'], undefined],
    ['with another Expires', ['Contact: *'], 60],
    ['with a malformed Expires', ['Contact: *'], 'never'],
    ['beside another contact', ['Contact: *', B], 0],
    ['beside another contact in one line', ['Contact: *, <sip:alice@192.0.2.2>'], 0],
  ])('refuses * %s with 400', (_, lines, expires) => {
    const { location, send } = registrar();
    send([A]);
    expect(send(lines, { cseq: 2, ...(expires === undefined ? {} : { expires }) })).toMatchObject({ status: 400, changes: [] });
    expect(location.size).toBe(1);
  });
});

describe('RFC 3261 10.3 registrar: limits and bad contacts', () => {
  it.each([
    ['tel', 'Contact: <tel:+15551234>', 'Contact URI Scheme Not Supported'],
    ['mailto', 'Contact: <mailto:alice@example.com>', 'Contact URI Scheme Not Supported'],
    ['no URI', 'Contact: <sip:>', 'Malformed Contact URI'],
    ['q above 1', `${A};q=1.5`, 'Malformed Contact q'],
    ['a very long URI', `Contact: <sip:${'a'.repeat(600)}@192.0.2.1>`, 'Contact Too Long'],
    ['very long parameters', `${A};x=${'a'.repeat(600)}`, 'Contact Parameters Too Long'],
  ])('refuses a contact with %s, and with it the whole request', (_, line, reason) => {
    const { location, send } = registrar();
    expect(send([B, line])).toMatchObject({ status: 400, changes: [] });
    const alone = send([line]);
    expect([reason, 'Malformed Contact']).toContain(alone.reason);
    expect(location.size).toBe(0);
  });

  it('refuses one contact more than the user may have, by default', () => {
    const { location, send } = registrar({ maxContacts: 2 });
    send([A, B]);
    const result = send(['Contact: <sip:alice@192.0.2.3>'], { cseq: 2 });
    expect(result).toMatchObject({ status: 403, reason: 'Too Many Contacts', changes: [] });
    expect(values(result, 'Warning')).toEqual(['399 registrar "At most 2 contacts a user"']);
    expect(location.size).toBe(2);
    expectOk(send([`${A};expires=0`, 'Contact: <sip:alice@192.0.2.3>'], { cseq: 3 }));
  });

  it('refuses a request with more contacts than any user could need, before it compares them', () => {
    const { location, send } = registrar();
    const contacts = (count: number) => Array.from({ length: count }, (_, n) => `<sip:alice@192.0.2.1:${1000 + n}>;expires=0`);
    expectOk(send([`Contact: ${contacts(64).join(',')}`]));
    const result = send([`Contact: ${contacts(65).join(',')}`], { cseq: 2 });
    expect(result).toMatchObject({ status: 403, reason: 'Too Many Contacts', changes: [] });
    expect(values(result, 'Warning')).toEqual(['399 registrar "At most 64 contacts a request"']);
    expect(location.size).toBe(0);
  });

  it('displaces the contact that ends soonest where the policy says so, never one of the same request', () => {
    const { location, at, send } = registrar({ maxContacts: 2, onLimit: 'displace' });
    send([A]);
    at.now += 1000;
    send([B], { cseq: 2 });
    at.now += 1000;
    const result = expectOk(send(['Contact: <sip:alice@192.0.2.3>'], { cseq: 3 }));
    expect(story(result)).toEqual(['added sip:alice@192.0.2.3', 'removed sip:alice@192.0.2.1 displaced']);
    expect(location.size).toBe(2);
    at.now += 1000;
    expectOk(send([B], { cseq: 4 }));
    const later = expectOk(send(['Contact: <sip:alice@192.0.2.9>'], { cseq: 5 }));
    expect(story(later)).toEqual(['added sip:alice@192.0.2.9', 'removed sip:alice@192.0.2.3 displaced']);
    const four = [4, 5, 6].map((n) => `Contact: <sip:alice@192.0.2.${n}>`);
    expect(send(four, { cseq: 6 })).toMatchObject({ status: 403, changes: [] });
  });

  it('answers 503 when the registrar as a whole is full, and goes on refreshing', () => {
    const { send } = registrar({}, new Location({ bindings: 1 }));
    expectOk(send([A]));
    const result = send([B], { cseq: 2 });
    expect(result).toMatchObject({ status: 503, changes: [] });
    expect(values(result, 'Retry-After')).toEqual(['60']);
    expectOk(send([A], { cseq: 3 }));
  });

  it('names every problem of a policy', () => {
    expect(policyProblems(DEFAULT_REGISTRAR_POLICY)).toEqual([]);
    expect(
      policyProblems({ defaultExpires: 10, minExpires: 4000, maxExpires: 5, maxContacts: 100, onLimit: 'refuse' }),
    ).toHaveLength(4);
  });
});
