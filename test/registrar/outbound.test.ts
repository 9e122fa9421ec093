import { describe, expect, it } from 'vitest';
import { header } from '../../shim/core/sip/index.ts';
import { flow, summary, testElement } from '../support/element.ts';
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

describe('RFC 5626 7 a call to a telephone with several flows', () => {
  it('goes by one of them, by the next where that one fails', () => {
    const shim = testElement();
    for (const regId of [1, 2]) {
      const text = requestText('REGISTER', {
        uri: 'sip:example.com',
        via: `SIP/2.0/TCP 127.0.0.${regId + 2};branch=z9hG4bKr${regId}`,
        from: '<sip:bob@example.com>;tag=r',
        to: '<sip:bob@example.com>',
        callId: `r${regId}`,
        headers: [`Contact: <sip:bob@127.0.0.${regId + 2};transport=tcp;ob>;reg-id=${regId};${INSTANCE}`, SUPPORTED],
      });
      shim.receive(text, flow(regId + 2, 41_000, 'tcp'));
    }
    const { sent } = shim.receive(requestText('INVITE', { body: SDP }), flow(2));
    expect(sent.map((s) => s.target.connection)).toHaveLength(1);
    const first = sent[0]?.target.connection;
    const next = shim.failed(sent[0]?.id as string);
    expect(summary(next)).toHaveLength(1);
    expect(next.sent[0]?.target.connection).toBe(first === 3 ? 4 : 3);
  });
});
