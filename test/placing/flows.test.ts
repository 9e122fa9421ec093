import { describe, expect, it } from 'vitest';
import { header, headers, type Message } from '../../shim/core/sip/index.ts';
import type { Flow } from '../../shim/core/transport.ts';
import { type Edge, edge, PBX_FLOW } from '../registrar/edge.ts';
import { answerTo, flow, type Outcome, summary } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';

const INSTANCE = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"';
const CONTACT = 'sip:bob@192.168.1.20:5060;transport=tcp;ob';
const by = (connection: number): Flow => ({ ...flow(4, 41_000 + connection, 'tcp'), connection });

/** bob's telephone registers over that flow; returns the Path that the PBX gets. */
function register(e: Edge, from: Flow, regId: number, lines: readonly string[] = ['Supported: path, outbound']): string {
  const contact = `Contact: <${CONTACT.replace('.20', `.${regId}`)}>;reg-id=${regId};${INSTANCE}`;
  const { asked } = e.ask('bob', from, [contact, ...lines], { callId: `r${regId}` });
  e.answer(
    asked,
    200,
    headers(asked, 'contact').map((value) => `Contact: ${value};expires=3600`),
  );
  return header(asked, 'path') ?? '';
}

let legs = 0;

/** A request of the PBX along that Path. */
const along = (path: string, regId = 1, method = 'INVITE') =>
  requestText(method, {
    ...{ uri: CONTACT.replace('.20', `.${regId}`), via: `SIP/2.0/UDP 127.0.0.8:5080;branch=z9hG4bKleg${++legs}` },
    ...{ from: '<sip:alice@example.com>;tag=p', callId: `leg${legs}`, body: SDP },
    headers: ['Contact: <sip:pbx@127.0.0.8:5080>', `Route: ${path}`],
  });

const connections = ({ sent }: Outcome) => sent.map(({ target }) => target.connection);

describe('RFC 5626 5.1 REGISTER at an edge proxy', () => {
  it('gets a Path with "ob" and a token of its flow, where the telephone asks for flows', () => {
    const path = register(edge(), by(1), 1);
    expect(path).toMatch(
      /^<sip:offhook-bob_40example\.com~~tcp~127\.0\.0\.1~5060~127\.0\.0\.4~41001~1~[0-9a-f]{20}@127\.0\.0\.1:5060;lr;ob>$/,
    );
  });

  it('gets the Path without where it does not, or where another proxy stands between', () => {
    expect(register(edge(), by(1), 1, [])).toBe('<sip:offhook-bob_40example.com@127.0.0.1:5060;lr>');
    const through = ['Supported: path, outbound', 'Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKinner'];
    expect(register(edge(), by(1), 1, through)).toBe('<sip:offhook-bob_40example.com@127.0.0.1:5060;lr>');
  });
});

describe('RFC 5626 5.3 requests of the PBX along a flow', () => {
  it('go by the very flow that the Path names, of two of one telephone', () => {
    const e = edge();
    const paths = [register(e, by(1), 1), register(e, by(2), 2)];
    const calls = paths.map((path, i) => e.receive(along(path, i + 1), PBX_FLOW));
    expect(calls.map(connections)).toEqual([[1], [2]]);
    expect(headers(calls[0]?.messages[0] as Message, 'route')).toEqual([]);
  });

  it('are answered 430 where it is gone, and tell of nobody', () => {
    const e = edge();
    const path = register(e, by(1), 1);
    e.told();
    const call = e.receive(along(path), PBX_FLOW);
    expect(summary(e.failed(call.sent[0]?.id as string))).toEqual(['430 > 127.0.0.8:5080']);
    expect(e.told()).toEqual([]);
  });

  it('are told of as calls of the user, and find their way within the dialog by his newest flow', () => {
    const e = edge();
    const call = e.receive(along(register(e, by(1), 1)), PBX_FLOW);
    e.told();
    const ok = e.receive(answerTo(call.messages[0] as Message, 200, { body: SDP, headers: [`Contact: <${CONTACT}>`] }), by(1));
    expect(e.told()).toEqual(['bob talking']);
    register(e, by(5), 1);
    const bye = requestText('BYE', {
      ...{ uri: CONTACT, via: 'SIP/2.0/UDP 127.0.0.8:5080;branch=z9hG4bKbye', from: '<sip:alice@example.com>;tag=p' },
      ...{ to: '<sip:bob@example.com>;tag=b', callId: `leg${legs}` },
      headers: headers(ok.messages[0] as Message, 'record-route').map((value) => `Route: ${value}`),
    });
    expect(connections(e.receive(bye, PBX_FLOW))).toEqual([5]);
  });

  it('go by the binding on disk after a restart, as the token is of the process before', () => {
    const e = edge();
    const path = register(e, by(1), 1);
    const bindings = [...e.element.location.get('sip:bob@example.com')].map(({ flow: { connection: _, ...gone }, ...b }) => ({
      ...b,
      flow: gone,
    }));
    const next = edge();
    next.element.restore({ bindings, dialogs: [], outbox: [], known: [] }, next.at.now);
    const made = path.replace(/~[0-9a-f]{20}@/, `~${'0'.repeat(20)}@`);
    expect(summary(next.receive(along(made), PBX_FLOW))).toEqual(['INVITE > 192.168.1.1:5060']);
  });

  it('by anybody else go to the PBX', () => {
    const e = edge();
    const path = register(e, by(1), 1);
    expect(summary(e.receive(along(path), flow(66)))).toEqual(['INVITE > 127.0.0.8:5080']);
  });
});

describe('RFC 5626 5.3 a telephone that is not registered calls through the edge', () => {
  const contact = 'sip:carol@10.0.0.3:5060;transport=tcp';
  const from = '<sip:carol@elsewhere.example>;tag=c';

  it('and has the requests of the PBX by its flow, and its own go to the PBX', () => {
    const e = edge();
    const via = (branch: string) => `SIP/2.0/TCP 10.0.0.3:5060;branch=z9hG4bK${branch}`;
    const invite = requestText('INVITE', { via: via('i'), from, callId: 'c', headers: [`Contact: <${contact}>`], body: SDP });
    const call = e.receive(invite, by(7));
    expect(summary(call)).toEqual(['INVITE > 127.0.0.8:5080']);
    const record = headers(call.messages[0] as Message, 'record-route').flatMap((line) => line.split(', '));
    e.receive(
      answerTo(call.messages[0] as Message, 200, { body: SDP, headers: ['Contact: <sip:pbx@127.0.0.8:5080>'] }),
      PBX_FLOW,
    );
    const bye = requestText('BYE', {
      ...{ uri: contact, via: 'SIP/2.0/UDP 127.0.0.8:5080;branch=z9hG4bKb', from: '<sip:bob@example.com>;tag=b', to: from },
      ...{ callId: 'c', headers: record.map((value) => `Route: ${value}`) },
    });
    expect(connections(e.receive(bye, PBX_FLOW))).toEqual([7]);
    const own = requestText('BYE', {
      ...{ uri: 'sip:pbx@127.0.0.8:5080', via: via('o'), from, to: '<sip:bob@example.com>;tag=b', callId: 'c' },
      headers: record.toReversed().map((value) => `Route: ${value}`),
    });
    expect(summary(e.receive(own, by(7)))).toEqual(['BYE > 127.0.0.8:5080']);
  });
});
