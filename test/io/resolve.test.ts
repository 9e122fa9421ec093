import { afterEach, describe, expect, it } from 'vitest';
import { createResolver, type Lookup, type Resolution } from '../../shim/io/resolve.ts';
import { Fixture, failure, portOf, UDP4 } from './network-fixture.ts';

const fixture = new Fixture();
afterEach(() => fixture.close());

const LIMITS = { names: 3, ttl: 100, failureTtl: 10, pending: 2 };

function counting(answer: Lookup) {
  const asked: string[] = [];
  const ask: Lookup = (host) => {
    asked.push(host);
    return answer(host);
  };
  return { asked, ask };
}

const one: Lookup = async () => [{ address: '192.0.2.5', family: 4 }];
const FOUND: Resolution = { ok: true, addresses: [{ address: '192.0.2.5', family: 4 }] };

describe('Offhook name resolution', () => {
  it('answers at once for IP literals, without asking', () => {
    const { asked, ask } = counting(one);
    const resolver = createResolver(LIMITS, () => 0, ask);
    expect(resolver.resolve('192.0.2.1')).toEqual({ ok: true, addresses: [{ address: '192.0.2.1', family: 4 }] });
    expect(resolver.resolve('2001:db8::1')).toEqual({ ok: true, addresses: [{ address: '2001:db8::1', family: 6 }] });
    expect(asked).toEqual([]);
  });

  it('asks once for a name, however many want it, and remembers the answer for its time', async () => {
    const { asked, ask } = counting(one);
    let now = 0;
    const resolver = createResolver(LIMITS, () => now, ask);
    const both = [resolver.resolve('Proxy.example.com'), resolver.resolve('proxy.example.com')];
    expect(await Promise.all(both)).toEqual([FOUND, FOUND]);
    now = 99;
    expect(resolver.resolve('proxy.example.com')).toEqual(FOUND);
    expect(asked).toEqual(['proxy.example.com']);
    now = 100;
    expect(await resolver.resolve('proxy.example.com')).toEqual(FOUND);
    expect(asked).toHaveLength(2);
  });

  it('believes a failure for a shorter time', async () => {
    const { asked, ask } = counting(() => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })));
    let now = 0;
    const resolver = createResolver(LIMITS, () => now, ask);
    expect(await resolver.resolve('nowhere.example')).toEqual({ ok: false, reason: 'nowhere.example: ENOTFOUND' });
    now = 9;
    expect(resolver.resolve('nowhere.example')).toMatchObject({ ok: false });
    now = 10;
    await resolver.resolve('nowhere.example');
    expect(asked).toHaveLength(2);
  });

  it('forgets the oldest name when there are too many, and refuses too many look-ups at once', async () => {
    const { asked, ask } = counting(one);
    const resolver = createResolver(LIMITS, () => 0, ask);
    for (const name of ['a', 'b', 'c', 'd']) await resolver.resolve(name);
    expect(resolver.resolve('d')).toEqual(FOUND);
    expect(resolver.resolve('b')).toEqual(FOUND);
    await resolver.resolve('a');
    expect(asked).toEqual(['a', 'b', 'c', 'd', 'a']);
    const pending = ['x', 'y'].map((name) => resolver.resolve(name));
    expect(resolver.resolve('z')).toEqual({ ok: false, reason: 'z: too many look-ups under way' });
    await Promise.all(pending);
    expect(await resolver.resolve('z')).toEqual(FOUND);
  });

  it('serves the network: names reach the socket of the right family, and failures the sender', async () => {
    const ask: Lookup = async (host) => {
      if (host !== 'peer.example') throw Object.assign(new Error('x'), { code: 'ENOTFOUND' });
      return [
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ];
    };
    const resolver = createResolver(LIMITS, () => 0, ask);
    const a = await fixture.open([UDP4], { resolver });
    const b = await fixture.open([UDP4]);
    const target = { transport: 'udp', host: 'peer.example', port: portOf(b) } as const;
    for (const text of ['one', 'two']) a.network.send(text, target);
    expect([(await b.messages.next()).text, (await b.messages.next()).text]).toEqual(['one', 'two']);
    expect(await failure((fail) => a.network.send('x', { ...target, host: 'nowhere.example' }, fail))).toBe(
      'nowhere.example: ENOTFOUND',
    );
  });

  it('asks the system where nothing else is said', async () => {
    const found = await createResolver().resolve('localhost');
    expect(found).toMatchObject({ ok: true });
  });
});
