import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readSettings, SHIM_SETTINGS, showProblems } from '../../shim/config.ts';
import { orderNaptr } from '../../shim/core/naptr.ts';
import type { Target, TransportName } from '../../shim/core/transport.ts';
import { serversOf, systemDns } from '../../shim/io/dns.ts';
import { DEFAULT_LOCATIONS_LIMITS, Locations, type LocationsLimits } from '../../shim/io/locations.ts';
import { startShim } from '../../shim/shim.ts';
import { type DnsServer, dnsServer, type Zone, type ZoneRecord } from '../support/dns-server.ts';
import { SILENT } from '../support/product.ts';
import { requestText, SDP } from '../support/sip-text.ts';
import { until } from '../support/until.ts';
import { Fixture, portOf, TCP4 } from './network-fixture.ts';

const fixture = new Fixture();
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await fixture.close();
});

const naptr = (service: string, replacement: string, order = 1, preference = 1): ZoneRecord => ({
  order,
  preference,
  flags: 's',
  service,
  replacement,
});
const srv = (name: string, port: number, priority = 1): ZoneRecord => ({ name, port, priority, weight: 1 });
const a = (address: string, ttl = 300): ZoneRecord => ({ address, ttl });

const ALL: ReadonlySet<TransportName> = new Set(['udp', 'tcp', 'tls']);
const OPEN: Target = { transport: 'udp', host: 'pbx.example', port: 5060, named: true, open: true };
const ZONE: Zone = {
  'NAPTR pbx.example': [
    naptr('SIP+D2U', '_sip._udp.pbx.example', 2),
    naptr('SIPS+D2T', '_sips._tcp.pbx.example', 1, 2),
    naptr('SIP+D2T', '_sip._tcp.other.example', 1, 1),
  ],
  'SRV _sip._udp.pbx.example': [srv('c.example', 5063)],
  'SRV _sip._tcp.pbx.example': [srv('c.example', 5064)],
  'SRV _sip._tcp.other.example': [srv('b.example', 5072, 2), srv('a.example', 5071, 1)],
  'SRV _sips._tcp.pbx.example': [srv('a.example', 5081)],
  'A a.example': [a('127.0.0.11', 60)],
  'A b.example': [a('127.0.0.12', 20)],
  'A c.example': [a('127.0.0.13')],
  'A pbx.example': [a('127.0.0.14'), a('127.0.0.15')],
};

async function serving(zone: Zone): Promise<DnsServer> {
  const server = await dnsServer(zone);
  closing.push(() => server.close());
  return server;
}

const without = (...questions: string[]): Zone =>
  Object.fromEntries(Object.entries(ZONE).filter(([name]) => !questions.includes(name)));
const shown = (servers: readonly Target[] | undefined) =>
  servers?.map(({ transport, host, address, port }) => `${transport} ${host} ${address}:${port}`);

async function found(target: Target, zone: Zone = ZONE, transports = ALL) {
  const server = await serving(zone);
  const { servers, ttl } = await serversOf(target, { dns: systemDns([server.address]), transports, chance: () => 0 });
  return { servers: shown(servers), ttl, asked: server.asked };
}

describe('RFC 3263 4.1 the transport of a name', () => {
  it('is that of the NAPTR records, by order and preference, and its servers those of the replacement', async () => {
    const { servers, ttl, asked } = await found(OPEN);
    expect(servers).toEqual(['tcp pbx.example 127.0.0.11:5071', 'tcp pbx.example 127.0.0.12:5072']);
    expect(asked.slice(0, 2)).toEqual(['NAPTR pbx.example', 'SRV _sip._tcp.other.example']);
    expect(ttl).toBe(20_000);
  });

  it.each([
    ['only UDP is had', OPEN, new Set<TransportName>(['udp']), 'udp pbx.example 127.0.0.13:5063'],
    ['UDP and TLS are had', OPEN, new Set<TransportName>(['udp', 'tls']), 'tls pbx.example 127.0.0.11:5081'],
    ['the URI is a SIPS URI', { ...OPEN, transport: 'tls' as const }, ALL, 'tls pbx.example 127.0.0.11:5081'],
  ])('is one that can be used: %s', async (_, target, transports, server) => {
    expect((await found(target, ZONE, transports)).servers).toEqual([server]);
  });

  it('is without NAPTR records the first that has SRV records, UDP before TCP', async () => {
    expect((await found(OPEN, without('NAPTR pbx.example'))).servers).toEqual(['udp pbx.example 127.0.0.13:5063']);
    const tcp = await found(OPEN, without('NAPTR pbx.example', 'SRV _sip._udp.pbx.example'));
    expect(tcp.servers).toEqual(['tcp pbx.example 127.0.0.13:5064']);
  });

  it('is UDP where there are none of either: its addresses, at the default port', async () => {
    const zone = { 'A pbx.example': ZONE['A pbx.example'] as readonly ZoneRecord[] };
    expect((await found(OPEN, zone)).servers).toEqual(['udp pbx.example 127.0.0.14:5060', 'udp pbx.example 127.0.0.15:5060']);
  });

  it('is that of the URI where it names one, and no NAPTR records are asked for', async () => {
    const { servers, asked } = await found({ transport: 'udp', host: 'pbx.example', port: 5060, named: true });
    expect(servers).toEqual(['udp pbx.example 127.0.0.13:5063']);
    expect(asked).not.toContain('NAPTR pbx.example');
  });

  it('with a port: its addresses alone are asked for', async () => {
    const { servers, asked } = await found({ transport: 'tcp', host: 'pbx.example', port: 5099 });
    expect(servers).toEqual(['tcp pbx.example 127.0.0.14:5099', 'tcp pbx.example 127.0.0.15:5099']);
    expect(asked.filter((question) => !/^A/.test(question))).toEqual([]);
  });

  it('is not of a record with other flags or services', () => {
    const record = { flags: 's', service: 'SIP+D2U', replacement: 'x.example', order: 1, preference: 1 };
    const bad = [
      { ...record, flags: 'u' },
      { ...record, service: 'SIP+D2S' },
      { ...record, replacement: '' },
    ];
    expect(orderNaptr(bad, false, ALL)).toEqual([]);
    expect(orderNaptr([record], true, ALL)).toEqual([]);
  });
});

describe('RFC 3263 4 the table of what was found', () => {
  async function table(zone: Zone = ZONE, limits: Partial<LocationsLimits> = {}) {
    const server = await serving(zone);
    const clock = { now: 0 };
    const dns = systemDns([server.address]);
    const locations = new Locations({
      dns,
      transports: ALL,
      limits: { ...DEFAULT_LOCATIONS_LIMITS, ...limits },
      now: () => clock.now,
      chance: () => 0,
    });
    closing.push(() => locations.close());
    const settled = (target: Target = OPEN) => until('it is found', () => locations.of(target));
    return { server, clock, locations, settled };
  }

  it('answers at once, first with nothing, and asks once however many want to know', async () => {
    const { locations, server, settled } = await table();
    expect([locations.of(OPEN), locations.of(OPEN)]).toEqual([undefined, undefined]);
    expect(shown(await settled())?.[0]).toBe('tcp pbx.example 127.0.0.11:5071');
    expect(server.asked.filter((question) => question === 'NAPTR pbx.example')).toHaveLength(1);
  });

  it('asks again when the TTL of the first address has passed, and gives what it had until it knows better', async () => {
    const { locations, server, settled, clock } = await table();
    await settled();
    const before = server.asked.length;
    clock.now = 19_999;
    locations.of(OPEN);
    expect(server.asked).toHaveLength(before);
    server.zone = { ...ZONE, 'A a.example': [a('127.0.0.99')] };
    clock.now = 20_001;
    expect(shown(locations.of(OPEN))?.[0]).toBe('tcp pbx.example 127.0.0.11:5071');
    await until('the new address is there', () => shown(locations.of(OPEN))?.[0] === 'tcp pbx.example 127.0.0.99:5071');
  });

  it('keeps what it has where the DNS says nothing more', async () => {
    const { locations, server, settled, clock } = await table();
    await settled();
    server.zone = {};
    clock.now = 60_000;
    const before = server.asked.length;
    locations.of(OPEN);
    await until('it has asked', () => server.asked.length > before);
    expect(shown(locations.of(OPEN))).toHaveLength(2);
  });

  it('is bounded, and does not forget the next hops', async () => {
    const { locations } = await table(ZONE, { names: 3 });
    await locations.keep([OPEN]);
    for (let n = 0; n < 20; n++) locations.of({ ...OPEN, host: `h${n}.example` });
    expect(locations.size).toBe(3);
    expect(shown(locations.of(OPEN))).toHaveLength(2);
  });

  it.each([
    ['192.0.2.1', 'udp'],
    ['2001:db8::1', 'udp'],
    ['pbx.example', 'ws'],
  ] as const)('is not asked of %s over %s', async (host, transport) => {
    const { locations } = await table();
    locations.of({ transport, host, port: 5060 });
    expect(locations.size).toBe(0);
  });
});

describe('RFC 3263 a shim whose upstream is a name', () => {
  it('sends there over the transport that NAPTR tells, which its Via names', async () => {
    const pbx = await fixture.open([TCP4]);
    const server = await serving({
      'NAPTR pbx.example': [naptr('SIP+D2T', '_sip._tcp.pbx.example')],
      'SRV _sip._tcp.pbx.example': [srv('a.example', portOf(pbx))],
      'A a.example': [a('127.0.0.1')],
    });
    const folder = await mkdtemp(join(tmpdir(), 'offhook-'));
    closing.push(() => rm(folder, { recursive: true, force: true }));
    const flags = ['--sip-port=0', '--domains=example.com', '--upstream=sip:pbx.example', `--dns-servers=${server.address}`];
    const rest = ['--worker-url=http://127.0.0.1:9', `--state-dir=${folder}`];
    const read = readSettings(SHIM_SETTINGS, [...flags, ...rest], { OFFHOOK_TOKEN: 'a.b.c' });
    if (!read.ok) throw new Error(showProblems(read.problems));
    const shim = await startShim(read.settings, SILENT);
    closing.push(() => shim.close());
    await until(
      'the address is asked for',
      () => server.asked.includes('A a.example') && server.asked.includes('AAAA a.example'),
    );
    const phone = await fixture.udpPeer();
    const port = shim.addresses.find(({ transport }) => transport === 'udp')?.port as number;
    const alice = { from: '<sip:alice@example.com>;tag=r', via: `SIP/2.0/UDP 127.0.0.1:${phone.port};branch=z9hG4bKreg` };
    const contact = [`Contact: <sip:alice@127.0.0.1:${phone.port}>`];
    phone.socket.send(
      requestText('REGISTER', { uri: 'sip:example.com', to: '<sip:alice@example.com>', ...alice, headers: contact }),
      port,
      '127.0.0.1',
    );
    expect((await phone.received.next()).toString()).toMatch(/^SIP\/2\.0 200/);
    const via = `SIP/2.0/UDP 127.0.0.1:${phone.port};branch=z9hG4bKcall`;
    phone.socket.send(
      requestText('INVITE', { ...alice, uri: 'sip:100@example.com', to: '<sip:100@example.com>', via, callId: 'c', body: SDP }),
      port,
      '127.0.0.1',
    );
    const { text } = await pbx.messages.next();
    expect(text).toMatch(/^INVITE sip:100@example\.com SIP\/2\.0\r\n/);
    expect(text).toMatch(/^Via: SIP\/2\.0\/TCP 127\.0\.0\.1/m);
  });
});
