import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { orderSrv, type SrvRecord } from '../../shim/core/srv.ts';
import type { Target } from '../../shim/core/transport.ts';
import { createLocator, type LocatorLimits, type LookupSrv, type Server } from '../../shim/io/locate.ts';
import { createResolver, type Lookup } from '../../shim/io/resolve.ts';
import { text as sip } from '../transaction/messages.ts';
import { Fixture, failure, Inbox, portOf, TCP4, UDP4 } from './network-fixture.ts';

const fixture = new Fixture();
afterEach(() => fixture.close());

const record = (name: string, port: number, priority = 1, weight = 1): SrvRecord => ({ name, port, priority, weight });

describe('RFC 2782 the order of SRV records', () => {
  it('is by priority, and among equals by weight and chance', () => {
    const records = [record('c', 1, 2), record('a', 1, 1, 0), record('b', 1, 1, 10)];
    expect(orderSrv(records, () => 0).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(orderSrv(records, () => 0.99).map(({ name }) => name)).toEqual(['b', 'a', 'c']);
  });

  it('has every record once, whatever chance says, and never a higher priority number before a lower one', () => {
    const records = fc.array(fc.record({ name: fc.string(), port: fc.nat(65_535), priority: fc.nat(3), weight: fc.nat(100) }));
    fc.assert(
      fc.property(records, fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })), (list, chances) => {
        const ordered = orderSrv(list, () => chances.next().value as number);
        expect(ordered.map((r) => JSON.stringify(r)).sort()).toEqual(list.map((r) => JSON.stringify(r)).sort());
        for (let i = 1; i < ordered.length; i++) {
          expect(ordered[i]?.priority).toBeGreaterThanOrEqual(ordered[i - 1]?.priority as number);
        }
      }),
    );
  });

  it('gives the first place about as often as the weights say', () => {
    let seed = 1;
    const chance = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    const records = [record('light', 1, 1, 10), record('heavy', 1, 1, 90)];
    let heavy = 0;
    for (let i = 0; i < 2000; i++) if (orderSrv(records, chance)[0]?.name === 'heavy') heavy++;
    expect(heavy / 2000).toBeGreaterThan(0.86);
    expect(heavy / 2000).toBeLessThan(0.94);
  });
});

const LIMITS: LocatorLimits = { names: 3, ttl: 100, failureTtl: 10, avoid: 50, avoided: 3, servers: 4 };
const HOSTS: { readonly [name: string]: string } = {
  'a.example': '127.0.0.1',
  'b.example': '127.0.0.2',
  'pbx.example': '127.0.0.9',
};

const hosts: Lookup = async (host) => {
  const address = HOSTS[host];
  if (address === undefined) throw Object.assign(new Error(host), { code: 'ENOTFOUND' });
  return [{ address, family: 4 }];
};

function locator(zone: { readonly [name: string]: readonly SrvRecord[] }) {
  const asked: string[] = [];
  const at = { now: 0 };
  const ask: LookupSrv = async (name) => {
    asked.push(name);
    const found = zone[name];
    if (found === undefined) throw Object.assign(new Error(name), { code: 'ENODATA' });
    return found;
  };
  const resolver = createResolver(undefined, () => at.now, hosts);
  return {
    asked,
    at,
    locator: createLocator(
      resolver,
      LIMITS,
      () => at.now,
      () => 0.99,
      ask,
    ),
  };
}

const named = (transport: Target['transport'] = 'udp'): Target => ({ transport, host: 'pbx.example', port: 5060, named: true });
const servers = async (found: ReturnType<ReturnType<typeof locator>['locator']['locate']>) => {
  const location = await found;
  return location.ok ? location.servers.map(({ address, port }) => `${address}:${port}`) : location.reason;
};

describe('RFC 3263 4.2 the servers of a name', () => {
  it.each([
    ['udp', '_sip._udp.pbx.example'],
    ['tcp', '_sip._tcp.pbx.example'],
    ['tls', '_sips._tcp.pbx.example'],
  ] as const)('stand in SRV records of its transport: %s', async (transport, service) => {
    const { locator: l, asked } = locator({ [service]: [record('b.example', 5070, 2), record('a.example', 5060, 1)] });
    expect(await servers(l.locate(named(transport)))).toEqual(['127.0.0.1:5060', '127.0.0.2:5070']);
    expect(asked).toEqual([service]);
  });

  it('are its addresses at the default port, where there are no records', async () => {
    expect(await servers(locator({}).locator.locate(named()))).toEqual(['127.0.0.9:5060']);
  });

  it('are its addresses where a port is given, or the host is an address: no records are asked for', async () => {
    const { locator: l, asked } = locator({ '_sip._udp.pbx.example': [record('a.example', 5070)] });
    expect(await servers(l.locate({ transport: 'udp', host: 'pbx.example', port: 5090 }))).toEqual(['127.0.0.9:5090']);
    expect(await servers(l.locate({ transport: 'udp', host: '192.0.2.1', port: 5060 }))).toEqual(['192.0.2.1:5060']);
    expect(asked).toEqual([]);
  });

  it('are none where the domain says that it has no such service', async () => {
    const { locator: l } = locator({ '_sip._udp.pbx.example': [record('.', 0)] });
    expect(await servers(l.locate(named()))).toBe('pbx.example: its servers have no address');
  });

  it('are none at port 0, to which nothing can be sent', async () => {
    const zone = { '_sip._udp.pbx.example': [record('a.example', 0, 1), record('b.example', 5070, 2)] };
    expect(await servers(locator(zone).locator.locate(named()))).toEqual(['127.0.0.2:5070']);
    const only = { '_sip._udp.pbx.example': [record('a.example', 0)] };
    expect(await servers(locator(only).locator.locate(named()))).toBe('pbx.example: its servers have no address');
  });

  it('are asked for once, however many want them, and remembered for their time', async () => {
    const { locator: l, asked, at } = locator({ '_sip._udp.pbx.example': [record('a.example', 5060)] });
    await Promise.all([l.locate(named()), l.locate(named())]);
    at.now = 99;
    await l.locate(named());
    expect(asked).toHaveLength(1);
    at.now = 101;
    await l.locate(named());
    expect(asked).toHaveLength(2);
  });

  it('that could not be reached are tried last for a while (4.3)', async () => {
    const { locator: l, at } = locator({ '_sip._udp.pbx.example': [record('a.example', 5060, 1), record('b.example', 5060, 2)] });
    l.avoid(named(), { address: '127.0.0.1', family: 4, port: 5060 });
    expect(await servers(l.locate(named()))).toEqual(['127.0.0.2:5060', '127.0.0.1:5060']);
    at.now = 51;
    expect(await servers(l.locate(named()))).toEqual(['127.0.0.1:5060', '127.0.0.2:5060']);
  });
});

describe('RFC 3263 4.3 a server that cannot be reached', () => {
  it('whatever its record says, is an error of the handling and no end of the process', async () => {
    const servers: Server[] = [{ address: '127.0.0.1', family: 4, port: 70_000 }];
    const locate = async () => ({ ok: true, servers }) as const;
    const { network, errors } = await fixture.open([UDP4], { locator: { locate, avoid: () => {} } });
    network.send(sip('OPTIONS', { branch: 'z9hG4bKx' }), named());
    expect((await errors.next()).message).toContain('70000');
  });

  const message = (n: number) => sip('OPTIONS', { branch: `z9hG4bK${n}`, transport: 'TCP' });

  /** A port at which nothing listens. */
  async function deadPort(): Promise<number> {
    const { server, port } = await fixture.serve(() => {});
    await new Promise((resolve) => server.close(resolve));
    return port;
  }

  it('is followed by the next, and what waited for it goes there in order', async () => {
    const b = await fixture.open([TCP4]);
    const dead = await deadPort();
    const { locator: l, asked } = locator({
      '_sip._tcp.pbx.example': [record('a.example', dead, 1), record('a.example', portOf(b), 2)],
    });
    const a = await fixture.open([TCP4], { locator: l });
    const failed = new Inbox<string>();
    for (const n of [1, 2, 3]) a.network.send(message(n), named('tcp'), (reason) => failed.push(reason));
    for (const n of [1, 2, 3]) expect((await b.messages.next()).text).toBe(message(n));
    a.network.send(message(4), named('tcp'));
    expect((await b.messages.next()).text).toBe(message(4));
    expect([failed.size, asked.length, a.network.counters.connected]).toEqual([0, 1, 1]);
  });

  it('is the end where there is no other: the sender is told once', async () => {
    const { locator: l } = locator({ '_sip._tcp.pbx.example': [record('a.example', await deadPort())] });
    const a = await fixture.open([TCP4], { locator: l });
    expect(await failure((fail) => a.network.send(message(1), named('tcp'), fail))).toContain('ECONNREFUSED');
  });

  it('serves UDP too: the record names the port', async () => {
    const b = await fixture.open([UDP4]);
    const { locator: l } = locator({ '_sip._udp.pbx.example': [record('a.example', portOf(b))] });
    const a = await fixture.open([UDP4], { locator: l });
    a.network.send(message(1), named());
    expect((await b.messages.next()).text).toBe(message(1));
  });
});
