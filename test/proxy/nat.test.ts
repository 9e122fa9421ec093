import { describe, expect, it } from 'vitest';
import { targetOfBinding } from '../../shim/core/proxy/target.ts';
import type { Binding } from '../../shim/core/registrar/binding.ts';
import type { Flow } from '../../shim/core/transport.ts';
import { answerTo, SHIM, summary, testElement } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';

const from = (address: string, port: number): Flow => ({ transport: 'udp', local: SHIM, remote: { address, port } });

/** A phone at 192.168.1.20 behind a NAT that shows 203.0.113.9:61000. */
const NAT = from('203.0.113.9', 61_000);

function home() {
  const shim = testElement();
  shim.register('alice', from('127.0.0.2', 5060));
  const register = requestText('REGISTER', {
    uri: 'sip:example.com',
    via: 'SIP/2.0/UDP 192.168.1.20:5060;branch=z9hG4bKreg;rport',
    from: '<sip:bob@example.com>;tag=r',
    to: '<sip:bob@example.com>',
    callId: 'reg',
    headers: ['Contact: <sip:bob@192.168.1.20:5060>'],
  });
  expect(summary(shim.receive(register, NAT))).toEqual(['200 > 203.0.113.9:61000']);
  return shim;
}

describe('RFC 5626 5.3 a phone behind NAT, over UDP', () => {
  it('is called where its registration came from, with its own Contact as Request-URI', () => {
    const result = home().receive(requestText('INVITE', { body: SDP }), from('127.0.0.2', 5060));
    expect(summary(result)).toEqual(['INVITE > 203.0.113.9:61000']);
    expect(result.messages[0]?.uri).toBe('sip:bob@192.168.1.20:5060');
  });

  it.each(['sip:bob@192.168.1.20:5060', 'sip:bob@192.168.1.20:5060;ob', 'sip:other@192.168.1.20:5060'])(
    'gets the requests of its dialogs there too: %s',
    (uri) => {
      const shim = home();
      const { messages } = shim.receive(requestText('INVITE', { body: SDP }), from('127.0.0.2', 5060));
      shim.receive(answerTo(messages[0] as never, 200, { headers: [`Contact: <${uri}>`], body: SDP }), NAT);
      const bye = requestText('BYE', {
        uri,
        to: '<sip:bob@example.com>;tag=b',
        cseq: 2,
        headers: ['Route: <sip:127.0.0.1:5060;lr>'],
      });
      expect(summary(shim.receive(bye, from('127.0.0.2', 5060)))).toEqual(['BYE > 203.0.113.9:61000']);
    },
  );

  const binding = (contact: string, flow: Flow) => ({ contact, flow }) as Binding;

  it.each([
    ['a private Contact from elsewhere', 'sip:b@10.1.2.3', '203.0.113.9:61000'],
    ['a carrier NAT', 'sip:b@100.64.1.1:5080', '203.0.113.9:61000'],
    ['a Contact that is where it came from, at another port', 'sip:b@203.0.113.9:5062', '203.0.113.9:5062'],
    ['a public Contact', 'sip:b@198.51.100.7', '198.51.100.7:5060'],
    ['a name', 'sip:b@phone.example:5070', 'phone.example:5070'],
    ['a Contact that asks for TCP', 'sip:b@10.1.2.3;transport=tcp', '10.1.2.3:5060'],
  ])('RFC 3261 18.1.1: %s', (_, contact, expected) => {
    const target = targetOfBinding(binding(contact, NAT));
    expect(`${target?.host}:${target?.port}`).toBe(expected);
  });

  it('RFC 4007 6: a link-local Contact is reached on the link that its registration came by', () => {
    const target = targetOfBinding(binding('sip:b@[fe80::1]:5070', from('fe80::1%eth0', 5070)));
    expect(target).toMatchObject({ host: 'fe80::1%eth0', port: 5070 });
  });
});
