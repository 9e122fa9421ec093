import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { readSettings, SHIM_SETTINGS, showProblems } from '../../shim/config.ts';
import { createFramer, DEFAULT_MESSAGE_LIMITS, header, headers, type Message } from '../../shim/core/sip/index.ts';
import type { ListenPoint } from '../../shim/core/transport.ts';
import { type RunningShim, startShim } from '../../shim/shim.ts';
import { Inbox } from '../io/network-fixture.ts';
import { AUTHORITY, pathOf } from '../support/certificates.ts';
import { answerTo } from '../support/element.ts';
import { SILENT } from '../support/product.ts';
import { requestText, SDP, scanned } from '../support/sip-text.ts';

/** A telephone over a connection: what it sends, and the messages it gets. */
interface Wire {
  send(text: string): void;
  readonly received: Inbox<Message>;
}

let folder: string;
let shim: RunningShim;
let browser: WebSocket;
let desk: TLSSocket;

const listening = (transport: ListenPoint['transport']): ListenPoint => {
  const point = shim.addresses.find((one) => one.transport === transport);
  if (point === undefined) throw new Error(`no ${transport}`);
  return point;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'offhook-'));
  const certificate = [`--tls-certificate=${pathOf('local.pem')}`, `--tls-key=${pathOf('local.key.pem')}`];
  const ports = ['--sip-port=0', '--tls-port=0', '--ws-port=0', '--wss-port=0'];
  const flags = [...certificate, ...ports, '--domains=example.com', '--worker-url=http://127.0.0.1:9', `--state-dir=${folder}`];
  const read = readSettings(SHIM_SETTINGS, flags, { OFFHOOK_TOKEN: 'a.b.c' });
  if (!read.ok) throw new Error(showProblems(read.problems));
  shim = await startShim(read.settings, SILENT);
});

afterAll(async () => {
  browser?.terminate();
  desk?.destroy();
  await shim?.close();
  await rm(folder, { recursive: true, force: true });
});

/** alice in a browser: SIP over secure WebSocket. */
async function overWss(): Promise<Wire> {
  browser = new WebSocket(`wss://127.0.0.1:${listening('wss').port}/`, 'sip', { ca: AUTHORITY });
  const received = new Inbox<Message>();
  browser.on('message', (data) => received.push(scanned((data as Buffer).toString('latin1'))));
  await once(browser, 'open');
  return { send: (text) => browser.send(text), received };
}

/** bob at a desk: SIP over TLS. */
async function overTls(): Promise<Wire> {
  desk = connect({ host: '127.0.0.1', port: listening('tls').port, ca: AUTHORITY });
  const received = new Inbox<Message>();
  const framer = createFramer(DEFAULT_MESSAGE_LIMITS);
  desk.on('data', (chunk: Buffer) => {
    for (const item of framer.push(chunk.toString('latin1'))) if (item.type === 'message') received.push(scanned(item.text));
  });
  await once(desk, 'secureConnect');
  return { send: (text) => desk.write(text, 'latin1'), received };
}

async function final(wire: Wire): Promise<Message> {
  let m = await wire.received.next();
  while (m.status !== 0 && m.status < 200) m = await wire.received.next();
  return m;
}

describe('RFC 7118 8, RFC 3261 26 a browser calls a desk telephone through a running shim', () => {
  it('from the registration to the BYE, each over its own connection', async () => {
    const [alice, bob] = [await overWss(), await overTls()];
    const register = (user: string, contact: string, via: string) =>
      requestText('REGISTER', {
        uri: 'sip:example.com',
        via,
        from: `<sip:${user}@example.com>;tag=r`,
        to: `<sip:${user}@example.com>`,
        callId: `reg-${user}`,
        headers: [`Contact: <${contact}>`],
      });
    const own = 'sip:alice@df7jal23ls0d.invalid;transport=ws';
    alice.send(register('alice', own, 'SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bKra'));
    expect((await final(alice)).status).toBe(200);
    bob.send(register('bob', 'sip:bob@127.0.0.1:9;transport=tls', 'SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bKrb'));
    expect((await final(bob)).status).toBe(200);

    const via = 'SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bKinvite';
    alice.send(requestText('INVITE', { via, headers: [`Contact: <${own}>`], body: SDP }));
    const invite = await bob.received.next();
    expect([invite.method, invite.uri]).toEqual(['INVITE', 'sip:bob@127.0.0.1:9;transport=tls']);
    expect(headers(invite, 'via').join()).toContain(`SIP/2.0/TLS 127.0.0.1:${listening('tls').port};`);
    const routes = headers(invite, 'record-route').join(', ').split(', ');
    expect(routes).toEqual([
      `<sip:127.0.0.1:${listening('tls').port};transport=tls;lr>`,
      // RFC 5626 5.3: the browser is reached by its flow alone.
      expect.stringMatching(RegExp(`^<sip:offhook-~~wss~.+@127.0.0.1:${listening('wss').port};transport=ws;lr>$`)),
    ]);
    bob.send(answerTo(invite, 200, { headers: ['Contact: <sip:bob@127.0.0.1:9;transport=tls>'], body: SDP }));
    const ok = await final(alice);
    expect([ok.status, header(ok, 'contact')]).toEqual([200, '<sip:bob@127.0.0.1:9;transport=tls>']);

    bob.send(
      requestText('BYE', {
        uri: own,
        via: 'SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bKbye',
        from: '<sip:bob@example.com>;tag=b',
        to: '<sip:alice@example.com>;tag=a',
        headers: routes.map((route) => `Route: ${route}`),
      }),
    );
    let bye = await alice.received.next();
    while (bye.method !== 'BYE' || bye.status !== 0) bye = await alice.received.next();
    expect([bye.uri, headers(bye, 'route')]).toEqual([own, []]);
    alice.send(answerTo(bye, 200));
    expect((await final(bob)).status).toBe(200);
  });

  it('and takes new certificates while they talk', () => {
    const settings = { tlsCertificates: undefined, tlsCa: undefined, tlsVerify: 'on' } as const;
    const next = { ...settings, tlsCertificate: pathOf('example.pem'), tlsKey: pathOf('example.key.pem') };
    shim.reloadCertificates(next);
    expect(() => shim.reloadCertificates({ ...next, tlsKey: '/nowhere' })).toThrow('/nowhere');
    expect([browser.readyState, desk.readyState]).toEqual([WebSocket.OPEN, 'open']);
  });
});
