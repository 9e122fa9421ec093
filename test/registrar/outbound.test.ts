import { describe, expect, it } from 'vitest';
import { header, headers, type Message } from '../../shim/core/sip/index.ts';
import { answerTo, flow, type Outcome, testElement } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';
import { AOR, expectOk, registrar, story, T0, values } from './request.ts';

const INSTANCE = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"';
const contact = (host: string, regId: number) => `Contact: <sip:alice@${host};ob>;reg-id=${regId};${INSTANCE}`;
const SUPPORTED = 'Supported: path, outbound';

describe('RFC 5626 6 flows of a telephone at the registrar', () => {
  it('a telephone that comes back under another address replaces its own binding', () => {
    const { location, send } = registrar();
    expectOk(send([contact('192.0.2.1', 1), SUPPORTED]));
    const result = expectOk(send([contact('192.0.2.2:41000', 1), SUPPORTED], { callId: 'again' }));
    expect(story(result)).toEqual(['added sip:alice@192.0.2.2:41000;ob', 'removed sip:alice@192.0.2.1;ob displaced']);
    expect(location.lookup(AOR, T0).map((binding) => binding.contact)).toEqual(['sip:alice@192.0.2.2:41000;ob']);
  });

  it('keeps one binding for each flow, and for each telephone', () => {
    const { location, send } = registrar();
    send([contact('192.0.2.1', 1), SUPPORTED]);
    send([contact('192.0.2.1:5070', 2), SUPPORTED], { callId: 'c2' });
    send([contact('192.0.2.3', 1).replace('AABB', 'CCDD'), SUPPORTED], { callId: 'c3' });
    expect(location.lookup(AOR, T0)).toHaveLength(3);
  });

  it('says so in the answer, where the telephone supports it', () => {
    const { send } = registrar();
    const result = expectOk(send([contact('192.0.2.1', 1), SUPPORTED]));
    expect([values(result, 'Require'), values(result, 'Flow-Timer')]).toEqual([['outbound'], ['120']]);
    expect(values(send([contact('192.0.2.1', 1)], { cseq: 2 }), 'Require')).toEqual([]);
    expect(values(send(['Contact: <sip:alice@192.0.2.1>', SUPPORTED], { cseq: 3 }), 'Require')).toEqual([]);
  });

  it('is refused with 439 where it came through a proxy that has no part in it', () => {
    const { send } = registrar();
    const through = 'Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKedge';
    expect(send([through, contact('192.0.2.1', 1), SUPPORTED]).status).toBe(439);
    expect(send([through, 'Path: <sip:edge.example;lr>', contact('192.0.2.1', 1), SUPPORTED]).status).toBe(439);
    expectOk(send([through, 'Path: <sip:edge.example;lr;ob>', contact('192.0.2.1', 1), SUPPORTED]));
    expectOk(send([through, 'Contact: <sip:alice@192.0.2.1>', SUPPORTED], { cseq: 2 }));
  });

  it('may be required', () => {
    const text = requestText('REGISTER', {
      uri: 'sip:example.com',
      from: '<sip:alice@example.com>;tag=r',
      to: '<sip:alice@example.com>',
      headers: [contact('127.0.0.2', 1), 'Supported: outbound', 'Require: outbound'],
    });
    const { messages } = testElement().receive(text, flow(2));
    expect([messages[0]?.status, header(messages[0] as never, 'require')]).toEqual([200, 'outbound']);
  });
});

/** bob's telephone with flows by those connections, the newest first; and another of his without. */
function flows(connections: readonly number[], more: { q?: number; other?: boolean } = {}) {
  const shim = testElement();
  for (const n of connections) {
    const text = requestText('REGISTER', {
      uri: 'sip:example.com',
      via: `SIP/2.0/TCP 127.0.0.${n};branch=z9hG4bKr${n}`,
      from: '<sip:bob@example.com>;tag=r',
      to: '<sip:bob@example.com>',
      callId: `r${n}`,
      headers: [`Contact: <sip:bob@127.0.0.${n};transport=tcp;ob>;reg-id=${n};${INSTANCE};q=${more.q ?? 1}`, SUPPORTED],
    });
    shim.receive(text, flow(n, 41_000, 'tcp'));
    shim.at.now += 1000;
  }
  if (more.other) shim.register('bob', flow(30));
  const call = shim.receive(requestText('INVITE', { body: SDP }), flow(2));
  return { shim, call };
}

const where = ({ messages, sent }: Outcome) =>
  messages.flatMap((m, i) =>
    m.status === 0 && m.method === 'INVITE' ? [sent[i]?.target.connection ?? sent[i]?.target.host] : [],
  );
const statuses = ({ messages }: Outcome) => messages.flatMap((m) => (m.status > 0 ? [m.status] : []));

describe('RFC 5626 7 a call to a telephone with several flows', () => {
  it('goes by one of them, by the next where that one is gone; where all are, it is away', () => {
    const { shim, call } = flows([3, 4]);
    expect(where(call)).toEqual([4]);
    const next = shim.failed(call.sent[0]?.id as string);
    expect(where(next)).toEqual([3]);
    expect(statuses(shim.failed(next.sent[0]?.id as string))).toEqual([480]);
  });

  it.each([430, 408])('goes by the next where one answers %i', (status) => {
    const { shim, call } = flows([3, 4]);
    const next = shim.receive(answerTo(call.messages[0] as Message, status), flow(4, 41_000, 'tcp'));
    expect(where(next)).toEqual([3]);
    const ok = shim.receive(answerTo(next.messages.find((m) => m.method === 'INVITE') as Message, 200, { body: SDP }), flow(3));
    expect(statuses(ok)).toEqual([200]);
  });

  it('goes by the next where one is silent', () => {
    const { shim } = flows([3, 4]);
    expect(where(shim.expire(32_000))).toEqual([3]);
  });

  it.each([486, 404, 480, 603])('RFC 5626 7: has its answer with %i by one of them', (status) => {
    const { shim, call } = flows([3, 4]);
    const done = shim.receive(answerTo(call.messages[0] as Message, status), flow(4, 41_000, 'tcp'));
    expect([where(done), statuses(done)]).toEqual([[], [status]]);
  });

  it('and the telephones of lower q have their turn only then', () => {
    const { shim, call } = flows([3, 4], { q: 1, other: true });
    expect(where(call).toSorted()).toEqual(['127.0.0.30', 4]);
    const [index] = call.sent.flatMap(({ target }, i) => (target.connection === 4 ? [i] : []));
    expect(where(shim.failed(call.sent[index ?? 0]?.id as string))).toEqual([3]);
    expect(statuses(shim.receive(answerTo(call.messages[1 - (index ?? 0)] as Message, 486), flow(30)))).toEqual([]);
  });

  it('that was cancelled goes by no other', () => {
    const { shim, call } = flows([3, 4]);
    const via = header(call.messages[0] as Message, 'via');
    expect(via).toBeDefined();
    shim.receive(answerTo(call.messages[0] as Message, 180), flow(4, 41_000, 'tcp'));
    const cancel = requestText('CANCEL', { via: callerVia(call) });
    shim.receive(cancel, flow(2));
    const done = shim.receive(answerTo(call.messages[0] as Message, 408), flow(4, 41_000, 'tcp'));
    expect([where(done), statuses(done)]).toEqual([[], [408]]);
  });
});

/** The Via of the INVITE as the caller sent it. */
const callerVia = (call: Outcome): string => headers(call.messages[0] as Message, 'via')[1]?.replace(/;received=[^;]*/, '') ?? '';
