import { describe, expect, it } from 'vitest';
import { header, headers, type Message } from '../../shim/core/sip/index.ts';
import type { Flow } from '../../shim/core/transport.ts';
import { answerTo, flow, type Outcome, SHIM, summary, testElement } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';

const UPSTREAM = { transport: 'udp', host: '127.0.0.8', port: 5080 } as const;
const WS = { transport: 'ws', address: '127.0.0.1', port: 8080 } as const;

/** A browser that has not registered, and a telephone behind a NAT that has not either. */
const BROWSER: Flow = {
  transport: 'ws',
  local: { address: '127.0.0.1', port: 8080 },
  remote: { address: '198.51.100.7', port: 40_000 },
  connection: 9,
};
const NAT: Flow = { transport: 'udp', local: SHIM, remote: { address: '203.0.113.9', port: 61_000 } };
const STREAM: Flow = { ...NAT, transport: 'tcp', connection: 7 };

const CALLERS = [
  ['a browser', BROWSER, 'sip:x7@df7jal23ls0d.invalid;transport=ws'],
  ['a telephone behind NAT', NAT, 'sip:carol@192.168.1.20:5060'],
  ['a telephone behind NAT, over TCP', STREAM, 'sip:carol@10.0.0.3:5060;transport=tcp'],
  ['a telephone that asks for it', STREAM, 'sip:carol@203.0.113.9:5060;transport=tcp;ob'],
] as const;

const CAROL = '<sip:carol@elsewhere.example>;tag=c';

function office() {
  const shim = testElement({ further: [WS], upstream: UPSTREAM });
  shim.register('bob', flow(3));
  return shim;
}

type Shim = ReturnType<typeof office>;

const via = ({ transport, remote }: Flow, branch: string) =>
  `SIP/2.0/${transport.toUpperCase()} ${transport === 'ws' ? 'df7jal23ls0d.invalid' : `10.0.0.3:${remote.port}`};branch=z9hG4bK${branch};rport`;

function call(shim: Shim, from: Flow, contact: string, more: { headers?: string[]; status?: number } = {}) {
  const invite = requestText('INVITE', {
    ...{ via: via(from, 'inv'), from: CAROL, callId: 'c', body: SDP },
    headers: [`Contact: <${contact}>`, ...(more.headers ?? [])],
  });
  const sent = shim.receive(invite, from).messages.find((m) => m.method === 'INVITE' && m.status === 0) as Message;
  const ok = shim.receive(answerTo(sent, 200, { body: SDP, headers: ['Contact: <sip:bob@127.0.0.3:5060>'] }), flow(3));
  const record = headers(sent, 'record-route').flatMap((line) => line.split(', '));
  return { record, ok, routes: record.map((value) => `Route: ${value}`) };
}

/** A request of bob's within the dialog. */
const ofBob = (contact: string, routes: readonly string[], method = 'BYE') =>
  requestText(method, {
    ...{ uri: contact, via: 'SIP/2.0/UDP 127.0.0.3:5060;branch=z9hG4bKbob', from: '<sip:bob@example.com>;tag=b', to: CAROL },
    ...{ callId: 'c', headers: routes },
  });

const where = ({ sent }: Outcome) =>
  sent.map(({ target: { transport, host, port, connection } }) => `${transport} ${host}:${port} ${connection ?? '-'}`);

describe('RFC 5626 5.3 a caller who is not registered, and is reached by his flow alone', () => {
  it.each(CALLERS)('%s gets the requests of his dialogs over it', (_, from, contact) => {
    const shim = office();
    const { record, routes } = call(shim, from, contact);
    expect(record).toHaveLength(2);
    const bye = shim.receive(ofBob(contact, routes), flow(3));
    expect(where(bye)).toEqual([`${from.transport} ${from.remote.address}:${from.remote.port} ${from.connection ?? '-'}`]);
    expect([bye.messages[0]?.uri, headers(bye.messages[0] as Message, 'route')]).toEqual([contact, []]);
  });

  it.each(CALLERS)('%s sends his own to the callee, not to himself', (_, from, contact) => {
    const shim = office();
    const { record } = call(shim, from, contact);
    for (const method of ['ACK', 'BYE']) {
      const own = requestText(method, {
        ...{ uri: 'sip:bob@127.0.0.3:5060', via: via(from, method), from: CAROL, to: '<sip:bob@example.com>;tag=b', callId: 'c' },
        headers: record.toReversed().map((value) => `Route: ${value}`),
      });
      // A NAT may have given him another port meanwhile.
      const moved = { ...from, remote: { ...from.remote, port: from.remote.port + 1 } };
      expect(summary(shim.receive(own, moved))).toEqual([`${method} > 127.0.0.3:5060`]);
    }
  });

  it.each(['ACK', 'BYE'])('%s reaches a browser that called through the upstream', (method) => {
    const shim = office();
    const invite = requestText('INVITE', {
      ...{ uri: 'sip:x@far.example', via: via(BROWSER, 'inv'), from: CAROL, to: '<sip:x@far.example>', callId: 'c' },
      headers: [`Contact: <${CALLERS[0][2]}>`],
    });
    const sent = shim.receive(invite, BROWSER).messages.find((m) => m.method === 'INVITE' && m.status === 0) as Message;
    const text = ofBob(
      CALLERS[0][2],
      headers(sent, 'record-route').map((v) => `Route: ${v}`),
      method,
    );
    expect(where(shim.receive(text, flow(8, 5080)))).toEqual(['ws 198.51.100.7:40000 9']);
  });

  it('a strict router before this one loses nothing (RFC 3261 16.4)', () => {
    const shim = office();
    const [outbound = '', inbound = ''] = call(shim, BROWSER, CALLERS[0][2]).record;
    const strict = ofBob(outbound.slice(1, -1), [`Route: ${inbound}, <${CALLERS[0][2]}>`]);
    expect(where(shim.receive(strict, flow(3)))).toEqual(['ws 198.51.100.7:40000 9']);
    const single = ofBob(inbound.slice(1, -1), [`Route: <${CALLERS[0][2]}>`]).replace('z9hG4bKbob', 'z9hG4bKbob2');
    expect(where(shim.receive(single, flow(3)))).toEqual(['ws 198.51.100.7:40000 9']);
  });

  it('is answered for with 430 where his connection is closed', () => {
    const shim = office();
    const { routes } = call(shim, BROWSER, CALLERS[0][2]);
    const bye = shim.receive(ofBob(CALLERS[0][2], routes), flow(3));
    expect(summary(shim.failed(bye.sent[0]?.id as string))).toEqual(['430 > 127.0.0.3:5060']);
  });

  it('is nobody’s to name: a token that was changed, or of an earlier process, goes for none', () => {
    const shim = office();
    const { routes } = call(shim, NAT, 'sip:carol@192.168.1.20:5060');
    const changed = routes.map((line) => line.replace('61000', '61001'));
    expect(where(shim.receive(ofBob('sip:carol@192.168.1.20:5060', changed), flow(3)))).toEqual(['udp 192.168.1.20:5060 -']);
  });

  it('nor is one that is right of use to a stranger who is in no call', () => {
    const shim = office();
    const { routes } = call(shim, NAT, 'sip:carol@192.168.1.20:5060');
    const text = ofBob('sip:carol@192.168.1.20:5060', routes).replace('Call-ID: c', 'Call-ID: d').replace('sip:bob@', 'sip:eve@');
    expect(summary(shim.receive(text, flow(66)))).toEqual(['481 > 127.0.0.3:5060'.replace('.3:', '.66:')]);
  });
});

describe('RFC 5626 5.3 no token for', () => {
  const plain = (from: Flow, contact: string, more: { headers?: string[] } = {}) => {
    const { record } = call(office(), from, contact, more);
    return record.every((value) => !value.includes('offhook-'));
  };

  it('who is where his Contact says', () => expect(plain(flow(5), 'sip:carol@127.0.0.5:5070')).toBe(true));

  it('a public Contact that is another: it may be a server with several addresses', () =>
    expect(plain(NAT, 'sip:carol@198.51.100.80')).toBe(true));

  it('a next hop or a trusted peer', () => expect(plain(flow(8, 5080), 'sip:carol@192.168.1.20')).toBe(true));

  it('who is behind another proxy', () => {
    const more = { headers: ['Record-Route: <sip:203.0.113.9;lr>'] };
    expect(plain(NAT, 'sip:carol@192.168.1.20', more)).toBe(true);
    expect(plain(NAT, 'sip:carol@192.168.1.20', { headers: ['Via: SIP/2.0/UDP 192.168.1.20;branch=z9hG4bKinner'] })).toBe(true);
  });

  it('a request that forms no dialog', () => {
    const text = requestText('MESSAGE', { via: via(BROWSER, 'm'), from: CAROL, headers: [`Contact: <${CALLERS[0][2]}>`] });
    expect(header(office().receive(text, BROWSER).messages[0] as Message, 'record-route')).toBeUndefined();
  });
});
