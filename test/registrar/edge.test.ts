import { describe, expect, it } from 'vitest';
import { AddressSet } from '../../shim/core/address-set.ts';
import { header, headers, type Message } from '../../shim/core/sip/index.ts';
import { flow, summary } from '../support/element.ts';
import { edge, lines, PBX_FLOW } from './edge.ts';

const ALICE = 'sip:alice@example.com';
const contact = (host: number) => `sip:alice@127.0.0.${host}:5060`;

describe('RFC 3327 5.2 REGISTER at the edge of a PBX', () => {
  it('goes on to the PBX as it came, with a Path that leads back here', () => {
    const { result, asked } = edge().ask('alice', flow(2), [
      'Contact: <sip:alice@127.0.0.2:5060>;q=0.5',
      'Expires: 600',
      'Supported: gruu',
    ]);
    expect(summary(result)).toEqual(['REGISTER > 127.0.0.8:5080']);
    expect(headers(asked, 'path')).toEqual(['<sip:offhook-alice_40example.com@127.0.0.1:5060;lr>']);
    expect(headers(asked, 'supported')).toEqual(['path', 'gruu']);
    expect(headers(asked, 'contact')).toEqual(['<sip:alice@127.0.0.2:5060>;q=0.5']);
    expect([asked.uri, header(asked, 'expires'), header(asked, 'max-forwards')]).toEqual(['sip:example.com', '600', '69']);
    expect(headers(asked, 'record-route')).toEqual([]);
  });

  it('RFC 3261 22: the challenge of the PBX and the credentials pass through', () => {
    const e = edge();
    const challenge = 'Digest realm="pbx", nonce="n", qop="auth"';
    const first = e.ask('alice', flow(2), ['Contact: <sip:alice@127.0.0.2:5060>']);
    const refused = e.answer(first.asked, 401, [`WWW-Authenticate: ${challenge}`]);
    expect([summary(refused), lines(refused, 'www-authenticate')]).toEqual([['401 > 127.0.0.2:5060'], [challenge]]);
    expect([e.element.location.size, refused.ops]).toEqual([0, []]);
    const credentials = 'Digest username="alice", realm="pbx", nonce="n", uri="sip:example.com", response="r"';
    const second = e.ask('alice', flow(2), ['Contact: <sip:alice@127.0.0.2:5060>', `Authorization: ${credentials}`]);
    expect(header(second.asked, 'authorization')).toBe(credentials);
  });

  it('drops the Route to itself that a telephone with an outbound proxy puts there, and refuses any past the PBX', () => {
    const { asked } = edge().ask('alice', flow(2), ['Contact: <sip:a@127.0.0.2>', 'Route: <sip:127.0.0.1:5060;lr>']);
    expect(headers(asked, 'route')).toEqual([]);
    const { result } = edge().ask('alice', flow(2), ['Contact: <sip:a@127.0.0.2>', 'Route: <sip:203.0.113.1;lr>']);
    expect(summary(result)).toEqual(['403 > 127.0.0.2:5060']);
  });

  it('of another domain passes too, and nothing is learned from it', () => {
    const e = edge();
    const { asked } = e.ask('alice', flow(2), ['Contact: <sip:a@127.0.0.2>'], { domain: 'elsewhere.example' });
    expect(headers(asked, 'path')).toEqual([]);
    e.answer(asked, 200, ['Contact: <sip:a@127.0.0.2>;expires=60']);
    expect(e.element.location.size).toBe(0);
  });
});

describe('RFC 3261 10.3 step 8 bindings learned at the edge of a PBX', () => {
  it('begin with the 2xx and last as long as it grants; the 200 waits for the disk', () => {
    const e = edge();
    const { done } = e.register('alice', flow(2), 120);
    expect(e.told()).toEqual(['alice online']);
    expect(done.ops[0]).toMatchObject({
      op: 'binding-put',
      binding: { aor: ALICE, contact: contact(2), expiresAt: e.at.now + 120_000 },
    });
    expect(done.sent).toMatchObject([{ durable: true, target: { host: '127.0.0.2', port: 5060 } }]);
    e.expire(119_000);
    expect(e.told()).toEqual([]);
    e.expire(1_000);
    expect(e.told()).toEqual(['alice offline']);
  });

  it.each([403, 404, 423, 500, 503])('stay as they were at a %i, which the telephone gets', (status) => {
    const e = edge();
    e.register('alice', flow(2));
    const { asked } = e.ask('alice', flow(2), ['Contact: <sip:alice@127.0.0.2:5060>;expires=0']);
    const result = e.answer(asked, status, status === 503 ? ['Retry-After: 9'] : []);
    expect(summary(result)).toEqual([`${status} > 127.0.0.2:5060`]);
    expect(lines(result, 'retry-after')).toEqual(status === 503 ? ['9'] : []);
    expect([e.element.location.size, result.ops]).toEqual([1, []]);
  });

  it('end at the 2xx to their end, and where the PBX lists them no more', () => {
    const e = edge();
    e.register('alice', flow(2));
    e.register('alice', flow(3));
    // That the PBX has but one contact of a user is its own affair: what it lists holds.
    expect(e.element.location.get(ALICE).map((b) => b.contact)).toEqual([contact(3)]);
    e.told();
    const { asked } = e.ask('alice', flow(3), ['Contact: *', 'Expires: 0']);
    expect(e.told()).toEqual([]);
    e.answer(asked, 200, []);
    expect(e.told()).toEqual(['alice offline']);
  });

  it('of two telephones whose answers cross are both kept', () => {
    const e = edge();
    const first = e.ask('alice', flow(2), [`Contact: <${contact(2)}>`]);
    const second = e.ask('alice', flow(3), [`Contact: <${contact(3)}>`]);
    e.answer(second.asked, 200, [`Contact: <${contact(2)}>;expires=60, <${contact(3)}>;expires=60`]);
    e.answer(first.asked, 200, [`Contact: <${contact(2)}>;expires=60`]);
    expect(e.element.location.get(ALICE)).toHaveLength(2);
  });

  it('keep no trace of requests that are over', () => {
    const e = edge();
    e.register('alice', flow(2));
    const { asked } = e.ask('alice', flow(3), [`Contact: <${contact(3)}>`]);
    e.expire(64_000);
    expect(e.element.table.size).toBe(0);
    expect(e.answer(asked, 200, [`Contact: <${contact(3)}>;expires=60`]).sent).toEqual([]);
    expect(e.element.location.size).toBe(1);
  });
});

describe('Offhook limits: as many bindings as may be kept', () => {
  it('refuse a user who comes anew, and let those who are registered refresh and end theirs', () => {
    const e = edge({}, { location: { bindings: 1 } });
    e.register('alice', flow(2));
    const { result } = e.ask('bob', flow(3), ['Contact: <sip:bob@127.0.0.3:5060>']);
    expect(summary(result)).toEqual(['503 > 127.0.0.3:5060']);
    expect(summary(e.ask('alice', flow(2), [`Contact: <${contact(2)}>`]).result)).toEqual(['REGISTER > 127.0.0.8:5080']);
    const { asked } = e.ask('alice', flow(2), [`Contact: <${contact(2)}>;expires=0`]);
    expect(summary(e.answer(asked, 200, []))).toEqual(['200 > 127.0.0.2:5060']);
    expect(e.element.location.size).toBe(0);
  });
});

describe('RFC 3261 22 guessing passwords of a PBX through its edge', () => {
  const guard = {
    ...{ exempt: AddressSet.of(['127.0.0.2']), messages: { rate: 100, burst: 100 }, registers: { rate: 100, burst: 100 } },
    ...{
      banAfter: 3,
      banWindow: 600_000,
      banTime: 300_000,
      banMax: 3_600_000,
      scanners: [],
      sourceCalls: 9,
      sourceBindings: 1,
      sourceConnections: 9,
    },
    ...{ maxSources: 100, maxFlows: 100, registrationsProven: true },
  };
  const CREDENTIALS = 'Authorization: Digest username="alice", realm="pbx", nonce="n", uri="sip:x", response="r"';
  const tries = (lines: readonly string[], challenge: string, times = 3) => {
    const e = edge({}, { guard });
    for (let i = 0; i < times; i++) {
      const { asked } = e.ask('alice', flow(9), [`Contact: <${contact(9)}>`, ...lines]);
      e.answer(asked, 401, [`WWW-Authenticate: ${challenge}`]);
    }
    return e.element.guard?.counters.bans;
  };

  it('bans whose credentials the PBX refuses again and again', () => {
    expect(tries([CREDENTIALS], 'Digest realm="pbx", nonce="m"')).toBe(1);
  });

  it('and not who gives the right ones in between', () => {
    const e = edge({}, { guard });
    for (const status of [401, 401, 200, 401, 401]) {
      const { asked } = e.ask('alice', flow(9), [`Contact: <${contact(9)}>;expires=0`, CREDENTIALS]);
      e.answer(asked, status, status === 401 ? ['WWW-Authenticate: Digest realm="pbx", nonce="m"'] : []);
    }
    expect(e.element.guard?.counters.bans).toBe(0);
  });

  it('and nobody who has given none yet, or whose nonce is too old', () => {
    expect(tries([], 'Digest realm="pbx", nonce="m"')).toBe(0);
    expect(tries([CREDENTIALS], 'Digest realm="pbx", nonce="m", stale=true')).toBe(0);
  });

  it('registers no more users from one source than the cap', () => {
    const e = edge({}, { guard });
    e.register('alice', flow(9));
    expect(summary(e.ask('bob', flow(9), ['Contact: <sip:b@127.0.0.9>']).result)).toEqual(['503 > 127.0.0.9:5060']);
    expect(summary(e.ask('alice', flow(9), [`Contact: <${contact(9)}>`]).result)).toEqual(['REGISTER > 127.0.0.8:5080']);
  });
});

describe('RFC 3261 16.9 a PBX that is not there', () => {
  it('is told by 503 where it cannot be reached; what is registered stays', () => {
    const e = edge();
    e.register('alice', flow(2));
    const { result } = e.ask('alice', flow(2), [`Contact: <${contact(2)}>`]);
    const actions = e.element.transportError(result.sent[0]?.id ?? '', e.at.now);
    expect(actions.map((a) => (a.type === 'send' ? a.text.slice(0, 11) : a.type))).toEqual(['SIP/2.0 503']);
    expect(e.element.location.size).toBe(1);
  });

  it('RFC 4320 4.2: is told by nothing where it is silent', () => {
    const e = edge();
    e.ask('alice', flow(2), [`Contact: <${contact(2)}>`]);
    const sent = [500, 1000, 2000, 4000, 4000, 20_500, 32_000].flatMap((ms) => summary(e.expire(ms)));
    // A 100 after a while (4.1) ends nothing.
    expect(new Set(sent)).toEqual(new Set(['REGISTER > 127.0.0.8:5080', '100 > 127.0.0.2:5060']));
    expect(e.element.table.size).toBe(0);
  });
});

describe('RFC 3261 10 a PBX without Path: Contacts written anew', () => {
  const rewriting = () => edge({ contactRewrite: true });
  const given = (m: Message) => /<([^>]+)>/.exec(header(m, 'contact') ?? '')?.[1] ?? '';

  it('the PBX gets a Contact that leads here, the telephone sees its own', () => {
    const e = rewriting();
    const { asked, done } = e.register('alice', flow(2), 90);
    expect(headers(asked, 'path')).toEqual([]);
    expect(given(asked)).toMatch(/^sip:offhook-alice_40example\.com~[0-9a-f]+@127\.0\.0\.1:5060$/);
    expect(lines(done, 'contact')).toEqual([`<${contact(2)}>;expires=90`]);
    expect(e.element.location.get(ALICE)).toMatchObject([{ contact: contact(2), expiresAt: e.at.now + 90_000 }]);
  });

  it('each telephone sees all of its user in the list, and those that came to the PBX another way as they are', () => {
    const e = rewriting();
    const first = given(e.register('alice', flow(2)).asked);
    const { asked } = e.ask('alice', flow(3), [`Contact: <${contact(3)}>`]);
    const list = [`Contact: <${first}>;expires=60`, `Contact: <${given(asked)}>;expires=61, <sip:alice@192.0.2.5>;expires=62`];
    expect(lines(e.answer(asked, 200, list), 'contact')).toEqual([
      `<${contact(2)}>;expires=60`,
      `<${contact(3)}>;expires=61, <sip:alice@192.0.2.5>;expires=62`,
    ]);
    expect(e.element.location.get(ALICE)).toHaveLength(2);
  });

  it.each([
    ['one', ['Contact: <sip:alice@127.0.0.2:5060>;expires=0']],
    ['all', ['Contact: *', 'Expires: 0']],
  ])('ends %s of them', (_, asks) => {
    const e = rewriting();
    e.register('alice', flow(2));
    const { asked } = e.ask('alice', flow(2), asks);
    e.answer(asked, 200, []);
    expect(e.element.location.size).toBe(0);
  });
});

describe('RFC 3261 10 REGISTER that comes back from the PBX', () => {
  it('goes round no further', () => {
    const e = edge();
    const { asked } = e.ask('alice', flow(2), [`Contact: <${contact(2)}>`]);
    const again = asked.text.replace('Via: ', 'Via: SIP/2.0/UDP 127.0.0.8:5080;branch=z9hG4bKpbx\r\nVia: ');
    expect(summary(e.receive(again, PBX_FLOW))).toEqual(['482 > 127.0.0.8:5080']);
  });
});
