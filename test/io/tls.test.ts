import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { createResolver } from '../../shim/io/resolve.ts';
import { identityProblem, type TlsMaterial } from '../../shim/io/tls.ts';
import { AUTHORITY, type CertificateName, certificate } from '../support/certificates.ts';
import { text as sip } from '../transaction/messages.ts';
import { Fixture, failure, HAS_IPV6, portOf, TLS4, TLS6, until } from './network-fixture.ts';

const fixture = new Fixture();
afterEach(() => fixture.close());

const message = (n: number) => sip('OPTIONS', { branch: `z9hG4bK${n}`, transport: 'TLS' });

/** What a side of these tests shows, trusting the authority of the tests. */
const showing = (...names: CertificateName[]): TlsMaterial => ({
  certificates: names.map(certificate),
  ca: AUTHORITY,
  verify: true,
});

/** Every name stands for this machine. */
const resolver = createResolver(undefined, undefined, async () => [{ address: '127.0.0.1', family: 4 }]);

/** A client of another program; closed with the test. */
async function client(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca: AUTHORITY, ...options });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

describe('RFC 3261 26.3.1 TLS transport', () => {
  it.each([['IPv4', TLS4] as const, ...(HAS_IPV6 ? [['IPv6', TLS6] as const] : [])])(
    'connects over %s, and both sides go on using the connection',
    async (_, point) => {
      const a = await fixture.open([point], { tls: showing('local') });
      const b = await fixture.open([point], { tls: showing('local') });
      a.network.send(message(1), { transport: 'tls', host: point.address, port: portOf(b) });
      const { text, flow } = await b.messages.next();
      expect(text).toBe(message(1));
      expect(flow).toMatchObject({ transport: 'tls', local: { address: point.address, port: portOf(b) } });
      b.network.send(message(2), { transport: 'tls', host: point.address, port: 9, connection: flow.connection as number });
      expect((await a.messages.next()).text).toBe(message(2));
      a.network.send(message(3), { transport: 'tls', host: point.address, port: portOf(b) });
      expect((await b.messages.next()).flow.connection).toBe(flow.connection);
      expect([a.network.connections, b.network.connections]).toEqual([1, 1]);
    },
  );

  it('keeps to the order, with many messages sent before the handshake is done', async () => {
    const a = await fixture.open([TLS4], { tls: showing('local') });
    const b = await fixture.open([TLS4], { tls: showing('local') });
    for (let n = 0; n < 50; n++) a.network.send(message(n), { transport: 'tls', host: '127.0.0.1', port: portOf(b) });
    for (let n = 0; n < 50; n++) expect((await b.messages.next()).text).toBe(message(n));
  });

  it('shows the certificate for the name that the client asks for (SNI), and the default for any other', async () => {
    const certificates = [
      certificate('local'),
      { name: 'example.com', ...certificate('example') },
      { name: '*.wild.example', ...certificate('wildcard') },
    ];
    const a = await fixture.open([TLS4], { tls: { certificates, verify: true } });
    const shown = async (servername: string) => {
      const socket = await client(portOf(a), { servername, checkServerIdentity: () => undefined });
      const subject = socket.getPeerCertificate().subject.CN;
      socket.destroy();
      return subject;
    };
    expect(await shown('Example.COM')).toBe('example');
    expect(await shown('a.wild.example')).toBe('wildcard');
    expect(await shown('a.b.wild.example')).toBe('local');
    expect(await shown('elsewhere.example')).toBe('local');
  });

  it('counts what is no handshake, and what is older than TLS 1.2, and serves on', async () => {
    const a = await fixture.open([TLS4], { tls: showing('local') });
    const plain = await fixture.connect(portOf(a));
    plain.socket.write('OPTIONS sip:example.com SIP/2.0\r\n\r\n');
    await plain.closed;
    const old = connect({ port: portOf(a), host: '127.0.0.1', ca: AUTHORITY, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' });
    await once(old, 'error');
    await until(() => a.network.counters.handshakeErrors === 2);
    const good = await client(portOf(a));
    good.write(message(1));
    expect((await a.messages.next()).text).toBe(message(1));
    good.destroy();
  });

  it('ends a handshake that does not get on', async () => {
    const a = await fixture.open([TLS4], { tls: showing('local'), limits: { handshakeTimeout: 50 } });
    const silent = await fixture.connect(portOf(a));
    await silent.closed;
    expect(a.network.counters.handshakeErrors).toBe(1);
  });

  it('counts handshakes under way among the connections that it takes', async () => {
    const a = await fixture.open([TLS4], { tls: showing('local'), limits: { connections: 2 } });
    const open = [await fixture.connect(portOf(a)), await fixture.connect(portOf(a))];
    const third = await fixture.connect(portOf(a));
    await third.closed;
    for (const { socket } of open) socket.destroy();
  });

  it('takes new certificates without a restart; connections that are open go on', async () => {
    const a = await fixture.open([TLS4], { tls: showing('local') });
    const before = await client(portOf(a));
    a.network.reload(showing('example'));
    const after = await client(portOf(a), { checkServerIdentity: () => undefined });
    expect([before, after].map((socket) => socket.getPeerCertificate().subject.CN)).toEqual(['local', 'example']);
    before.write(message(1));
    expect((await a.messages.next()).text).toBe(message(1));
    expect(() => a.network.reload({ certificates: [{ cert: 'no', key: 'certificate' }], verify: true })).toThrow();
    const still = await client(portOf(a), { checkServerIdentity: () => undefined });
    expect(still.getPeerCertificate().subject.CN).toBe('example');
    for (const socket of [before, after, still]) socket.destroy();
  });
});

describe('RFC 5922 7 the certificate of the other side', () => {
  const to = (host: string, port: number) => ({ transport: 'tls', host, port }) as const;

  it('names the domain that was to be reached: nothing is written to anybody else', async () => {
    const b = await fixture.open([TLS4], { tls: showing('example') });
    const a = await fixture.open([TLS4], { tls: showing('local'), resolver });
    a.network.send(message(1), to('example.com', portOf(b)));
    expect((await b.messages.next()).text).toBe(message(1));
    const reason = await failure((fail) => a.network.send(message(2), to('example.org', portOf(b)), fail));
    expect(reason).toContain('the certificate is not for example.org but for example.com');
    expect(a.network.counters.handshakeErrors).toBe(1);
    await until(() => b.network.connections === 1);
    expect(b.messages.size).toBe(0);
  });

  it('is from an authority that is trusted', async () => {
    const b = await fixture.open([TLS4], { tls: showing('local') });
    const a = await fixture.open([TLS4], { tls: { certificates: [], verify: true } });
    expect(await failure((fail) => a.network.send(message(1), to('127.0.0.1', portOf(b)), fail))).toMatch(/certificate|verify/);
    expect(b.messages.size).toBe(0);
  });

  it('is not looked at where the configuration says so', async () => {
    const b = await fixture.open([TLS4], { tls: showing('example') });
    const a = await fixture.open([TLS4], { tls: { certificates: [], verify: false }, resolver });
    a.network.send(message(1), to('example.org', portOf(b)));
    expect((await b.messages.next()).text).toBe(message(1));
  });

  it('is good for the name that it was checked for, and a connection with it for no other', async () => {
    const b = await fixture.open([TLS4], { tls: { certificates: [certificate('example')], verify: true } });
    const a = await fixture.open([TLS4], { tls: showing('local'), resolver });
    a.network.send(message(1), to('example.com', portOf(b)));
    await b.messages.next();
    expect(await failure((fail) => a.network.send(message(2), to('evil.example', portOf(b)), fail))).toContain(
      'not for evil.example',
    );
  });

  it('is not waited for longer than a connection may take', async () => {
    const sockets: Socket[] = [];
    const { port } = await fixture.serve((socket) => sockets.push(socket));
    const a = await fixture.open([TLS4], { tls: showing('local'), limits: { connectTimeout: 50 } });
    expect(await failure((fail) => a.network.send(message(1), to('127.0.0.1', port), fail))).toContain('timed out');
  });

  const names = (subjectaltname: string | undefined, CN?: string) => ({ subjectaltname, subject: { CN } }) as never;

  it.each([
    ['a sip URI', 'URI:sip:domain.example', 'domain.example', true],
    ['a sip URI, where DNS names beside it do not count', 'URI:sip:domain.example, DNS:host.example', 'host.example', false],
    ['a sip URI with a user, which is for that user', 'URI:sip:a@domain.example', 'domain.example', false],
    ['a DNS name, in any case', 'DNS:Example.com', 'exAMPLE.com', true],
    ['a wildcard, which never matches', 'DNS:*.wild.example', 'a.wild.example', false],
    ['a value that would pass for two', 'DNS:"a.example, DNS:b.example"', 'b.example', false],
    ['an address', 'IP Address:192.0.2.1', '192.0.2.1', true],
    ['another address', 'IP Address:192.0.2.1', '192.0.2.2', false],
    ['nothing', '', 'example.com', false],
  ])('RFC 5922 7.1: names %s', (_, alternative, host, good) => {
    expect(identityProblem(host, names(alternative)) === undefined).toBe(good);
  });

  it('RFC 5922 7.1: names a domain in its subject, where it has no alternative name', () => {
    expect(identityProblem('old.example', names(undefined, 'old.example'))).toBeUndefined();
    expect(identityProblem('old.example', names('DNS:new.example', 'old.example'))).toBeInstanceOf(Error);
  });
});
