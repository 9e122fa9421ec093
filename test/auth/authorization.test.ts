import { describe, expect, it } from 'vitest';
import { header, headers, type Message } from '../../shim/core/sip/index.ts';
import type { Flow } from '../../shim/core/transport.ts';
import { type Account, credentialsLine, users } from '../support/digest.ts';
import { answerTo, flow, type Otherwise, type TestElement, testElement } from '../support/element.ts';
import { type Parts, requestText, SDP } from '../support/sip-text.ts';

const USERS = users({ 'alice@example.com': 'wonder', 'bob@example.com': 'builder' });
const ALICE = { username: 'alice', password: 'wonder' };
const BOB = { username: 'bob', password: 'builder' };

const shimOf = (otherwise: Otherwise = {}) => testElement({ users: USERS, ...otherwise });

/** Sends a request, and once more with credentials where it is challenged. The answer to the first, and all that came of the last. */
function ask(shim: TestElement, method: string, parts: Parts, at: Flow, account?: Account) {
  const uri = parts.uri ?? 'sip:bob@example.com';
  const first = shim.receive(requestText(method, parts), at);
  const challenge = first.messages.find((m) => m.status === 401 || m.status === 407);
  if (challenge === undefined || account === undefined) return first;
  const line = credentialsLine(challenge, { method, uri }, account);
  const again = { ...parts, cseq: (parts.cseq ?? 1) + 1, headers: [...(parts.headers ?? []), line] };
  return shim.receive(requestText(method, again), at);
}

const registration = (user: string, host: number): Parts => ({
  uri: 'sip:example.com',
  from: `<sip:${user}@example.com>;tag=r`,
  to: `<sip:${user}@example.com>`,
  callId: `reg-${user}-${host}`,
  headers: [`Contact: <sip:${user}@127.0.0.${host}:5060>`],
});

const register = (shim: TestElement, user: string, host: number, account?: Account) =>
  ask(shim, 'REGISTER', registration(user, host), flow(host), account);

/** Both are registered: Alice at 127.0.0.2, Bob at 127.0.0.3. */
function office(otherwise: Otherwise = {}) {
  const shim = shimOf(otherwise);
  register(shim, 'alice', 2, ALICE);
  register(shim, 'bob', 3, BOB);
  shim.told();
  return shim;
}

const status = ({ messages }: { readonly messages: readonly Message[] }) => messages.map((m) => m.status || m.method);

/** An answer without what is of one time only: nonce, tag, Via branch, Call-ID. */
const alike = (m: Message | undefined) =>
  m?.text
    .replace(/nonce="[^"]*"/g, 'nonce')
    .replace(/;tag=u\w+/, '')
    .replace(/branch=\w+/, '')
    .replace(/Call-ID: .*/, '');

describe('RFC 3261 22.2 the registrar challenges', () => {
  it('asks by SHA-256, then by MD5, each in a line of its own, with qop (RFC 8760 2.4)', () => {
    const [answer] = register(shimOf(), 'alice', 2).messages;
    const lines = headers(answer as Message, 'www-authenticate');
    expect(answer?.status).toBe(401);
    expect(lines.map((line) => /algorithm=([\w-]+)/.exec(line)?.[1])).toEqual(['SHA-256', 'MD5']);
    for (const line of lines)
      expect(line).toMatch(/^Digest realm="example.com", nonce="[\w.]+", opaque="\w+", algorithm=[\w-]+, qop="auth"$/);
  });

  it.each(['SHA-256', 'MD5'] as const)('takes a registration with the right password by %s', (algorithm) => {
    const shim = shimOf();
    const [challenge] = register(shim, 'alice', 2).messages;
    const parts = registration('alice', 2);
    const line = credentialsLine(challenge as Message, { method: 'REGISTER', uri: 'sip:example.com' }, ALICE, { algorithm });
    const answer = shim.receive(
      requestText('REGISTER', { ...parts, cseq: 2, headers: [...(parts.headers ?? []), line] }),
      flow(2),
    );
    expect(status(answer)).toEqual([200]);
    expect(shim.told()).toEqual(['alice online']);
  });

  it('refuses the same credentials a second time, as stale, and takes them with the next count', () => {
    const shim = shimOf();
    const [challenge] = register(shim, 'alice', 2).messages;
    const parts = registration('alice', 2);
    const send = (cseq: number, nc: string) => {
      const line = credentialsLine(challenge as Message, { method: 'REGISTER', uri: 'sip:example.com' }, ALICE, { nc });
      return shim.receive(requestText('REGISTER', { ...parts, cseq, headers: [...(parts.headers ?? []), line] }), flow(2));
    };
    expect(status(send(2, '00000001'))).toEqual([200]);
    const [replayed] = send(3, '00000001').messages;
    expect(replayed?.status).toBe(401);
    expect(header(replayed as Message, 'www-authenticate')).toContain('stale=true');
    expect(status(send(4, '00000002'))).toEqual([200]);
    shim.at.now += 300_000;
    const [old] = send(5, '00000003').messages;
    expect(header(old as Message, 'www-authenticate')).toContain('stale=true');
  });

  it('answers a wrong password and an unknown user alike', () => {
    const shim = office();
    const wrong = register(shim, 'alice', 9, { username: 'alice', password: 'x' }).messages[0];
    const unknown = register(shim, 'nobody', 9, { username: 'nobody', password: 'x' }).messages[0];
    expect(wrong?.status).toBe(401);
    expect(wrong?.text).not.toContain('stale');
    expect(alike(unknown)).toBe(alike(wrong)?.replaceAll('alice', 'nobody'));
    expect(shim.element.authorization?.counters).toMatchObject({ wrong: 2, authenticated: 2 });
  });

  it('answers without credentials alike, whoever is named, and never 404', () => {
    const shim = office();
    const [known, unknown] = [register(shim, 'alice', 9).messages[0], register(shim, 'nobody', 9).messages[0]];
    expect(alike(unknown)).toBe(alike(known)?.replaceAll('alice', 'nobody'));
    expect(known?.status).toBe(401);
  });

  it('lets nobody register for another, known or not', () => {
    const shim = shimOf();
    expect(status(register(shim, 'bob', 2, ALICE))).toEqual([403]);
    expect(status(register(shim, 'nobody', 2, ALICE))).toEqual([403]);
    expect(shim.told()).toEqual([]);
  });

  it.each([
    ['by the address of the shim', { uri: 'sip:127.0.0.1:5060' }],
    ['by that address with a user part', { uri: 'sip:x@127.0.0.1:5060' }],
    ['to another domain', { uri: 'sip:elsewhere.example' }],
    ['by the address of the shim as a strict router', { uri: 'sip:127.0.0.1:5060;lr', route: 'sip:example.com' }],
    ['by a Route to the shim', { uri: 'sip:127.0.0.1:5060', route: 'sip:127.0.0.1:5060;lr' }],
  ])('nor %s, with a password for a proxy', (_, { uri, route }: { uri: string; route?: string }) => {
    const shim = shimOf();
    for (const user of ['alice', 'bob']) {
      const parts = registration('bob', 2);
      const headers = [...(parts.headers ?? []), ...(route ? [`Route: <${route}>`] : [])];
      ask(shim, 'REGISTER', { ...parts, uri, headers, from: `<sip:${user}@example.com>;tag=r`, callId: user }, flow(2), ALICE);
    }
    expect(shim.told()).toEqual([]);
    expect(shim.element.location.size).toBe(0);
  });

  it('nor by the tags of a call that is going on', () => {
    const shim = office();
    const called = ask(shim, 'INVITE', { body: SDP }, flow(2), ALICE);
    const invite = called.messages.find((m) => m.method === 'INVITE' && m.status === 0) as Message;
    shim.receive(answerTo(invite, 200, { body: SDP }), flow(3));
    shim.told();
    const parts = {
      ...registration('bob', 2),
      callId: 'call-1',
      from: '<sip:alice@example.com>;tag=a',
      to: '<sip:bob@example.com>;tag=b',
    };
    for (const uri of ['sip:example.com', 'sip:127.0.0.1:5060'])
      expect(status(shim.receive(requestText('REGISTER', { ...parts, uri }), flow(2)))).toEqual([401]);
    expect(shim.element.location.size).toBe(2);
  });

  it('does not take credentials that were made for another Request-URI or method', () => {
    const shim = shimOf();
    const parts = registration('alice', 2);
    const [challenge] = register(shim, 'alice', 2).messages;
    for (const [method, uri] of [
      ['REGISTER', 'sip:example.org'],
      ['INVITE', 'sip:example.com'],
    ] as const) {
      const line = credentialsLine(challenge as Message, { method, uri }, ALICE);
      const answer = shim.receive(
        requestText('REGISTER', { ...parts, cseq: 2, headers: [...(parts.headers ?? []), line] }),
        flow(2),
      );
      expect(status(answer)).toEqual([401]);
    }
  });

  it('takes credentials in which the phone names this server instead of what it asks for', () => {
    const shim = office();
    const parts: Parts = { body: SDP, callId: 'own-way' };
    const [challenge] = shim.receive(requestText('INVITE', parts), flow(2)).messages;
    for (const [uri, expected] of [
      ['sip:127.0.0.9:5060', 407],
      ['sip:127.0.0.1:5060', 'INVITE'],
    ] as const) {
      const line = credentialsLine(challenge as Message, { method: 'INVITE', uri }, ALICE);
      const cseq = expected === 407 ? 2 : 3;
      const answer = shim.receive(requestText('INVITE', { ...parts, cseq, headers: [line] }), flow(2));
      expect(status(answer)).toContain(expected);
    }
  });

  it('has one realm for all where one is set', () => {
    const shim = shimOf({ authorization: { realm: 'office' } });
    expect(header(register(shim, 'alice', 2).messages[0] as Message, 'www-authenticate')).toContain('realm="office"');
  });
});

describe('RFC 3261 22.3 the proxy challenges', () => {
  it("asks a caller who says to be a user for that user's password, and relays the call without it", () => {
    const shim = office();
    const invite = { body: SDP, headers: ['Proxy-Authorization: Digest realm="elsewhere", nonce="n"'] };
    expect(status(shim.receive(requestText('INVITE', invite), flow(2)))).toEqual([407]);
    const called = ask(shim, 'INVITE', { ...invite, callId: 'call-2' }, flow(2), ALICE);
    const relayed = called.messages.find((m) => m.method === 'INVITE' && m.status === 0) as Message;
    // "Credentials of other realms" stay.
    expect(headers(relayed, 'proxy-authorization')).toEqual(['Digest realm="elsewhere", nonce="n"']);
    expect(relayed.text.endsWith(SDP)).toBe(true);
  });

  it('lets nobody call as another', () => {
    const shim = office();
    const result = ask(
      shim,
      'INVITE',
      { uri: 'sip:alice@example.com', from: '<sip:bob@example.com>;tag=a', to: '<sip:alice@example.com>' },
      flow(2),
      ALICE,
    );
    expect(status(result)).toEqual([403]);
    expect(shim.told()).toEqual([]);
  });

  it.each([
    ['in another case of letters', 'sip:alice@EXAMPLE.com'],
    ['with a port', 'sip:alice@example.com:5099'],
    ['by sips', 'sips:alice@example.com'],
    ['with an escape', 'sip:%61lice@example.com'],
  ])('knows its domain in From %s', (_, uri) => {
    const shim = office();
    const called = { from: `<${uri}>;tag=a`, body: SDP };
    expect(status(ask(shim, 'INVITE', called, flow(2), BOB))).toEqual([403]);
    expect(status(ask(shim, 'INVITE', { ...called, callId: 'call-3' }, flow(2), ALICE))).toContain('INVITE');
  });

  it('lets a user hide his name, and take no foreign one', () => {
    const shim = office();
    const call = (from: string, callId: string) =>
      ask(shim, 'INVITE', { from: `<${from}>;tag=a`, callId, body: SDP }, flow(2), ALICE);
    expect(status(call('sip:anonymous@anonymous.invalid', 'c1'))).toContain('INVITE');
    expect(status(call('sip:ceo@partner.example', 'c2'))).toEqual([403]);
  });

  it('takes away what an untrusted caller asserts of himself (RFC 3325 5)', () => {
    const shim = office();
    const asserted = ['P-Asserted-Identity: <sip:bob@example.com>', 'Remote-Party-ID: <sip:bob@example.com>', 'Subject: x'];
    const called = ask(shim, 'INVITE', { body: SDP, headers: asserted }, flow(2), ALICE);
    const text = called.messages.find((m) => m.method === 'INVITE' && m.status === 0)?.text;
    expect(text).not.toMatch(/P-Asserted|Remote-Party/);
    expect(text).toContain('Subject: x\r\n');
  });

  it.each(['alice', 'bob', 'nobody'])('answers a stranger who calls %s with 407, whoever that is', (user) => {
    const shim = office();
    register(shim, 'bob', 3, BOB);
    const called = {
      uri: `sip:${user}@example.com`,
      from: '<sip:x@far.example>;tag=a',
      to: `<sip:${user}@example.com>`,
      callId: 'c',
    };
    const answer = shim.receive(requestText('INVITE', called), flow(9)).messages[0];
    const other = shimOf().receive(requestText('INVITE', called), flow(9)).messages[0];
    expect(answer?.status).toBe(407);
    expect(alike(answer)).toBe(alike(other));
  });

  it('takes calls of strangers for its own users where inbound=open, and tells nobody who is known', () => {
    const shim = office({ authorization: { inbound: 'open' }, upstream: { transport: 'udp', host: '127.0.0.8', port: 5060 } });
    ask(shim, 'REGISTER', { ...registration('alice', 2), cseq: 9, headers: ['Contact: *', 'Expires: 0'] }, flow(2), ALICE);
    const call = (user: string, domain = 'example.com') =>
      shim.receive(
        requestText('INVITE', {
          uri: `sip:${user}@${domain}`,
          from: '<sip:x@far.example>;tag=a',
          callId: user + domain,
          body: SDP,
        }),
        flow(9),
      );
    expect(status(call('bob'))).toContain('INVITE');
    expect([status(call('alice')), status(call('nobody'))]).toEqual([[480], [480]]);
    // Nobody's calls go through here to the telephone network.
    expect(status(call('0900', 'far.example'))).toEqual([407]);
  });

  it.each([
    ['a Route', 'sip:0900@example.com', '<sip:127.0.0.8:5060;lr>'],
    ['a Route behind ours', 'sip:0900@example.com', '<sip:127.0.0.1:5060;lr>, <sip:127.0.0.8:5060;lr>'],
    ['a strict route', 'sip:example.com;lr', '<sip:0900@far.example>'],
    ['a strict route by our address', 'sip:x@example.com;lr', '<sip:0900@far.example>, <sip:0900@127.0.0.8:5060>'],
  ])('where inbound=open no stranger gets to the next hop by %s', (_, uri, route) => {
    const shim = office({ authorization: { inbound: 'open' }, upstream: { transport: 'udp', host: '127.0.0.8', port: 5060 } });
    const parts = { uri, from: '<sip:x@far.example>;tag=a', callId: 'fraud', body: SDP, headers: [`Route: ${route}`] };
    expect(status(shim.receive(requestText('INVITE', parts), flow(9)))).not.toContain('INVITE');
  });

  it('never challenges whom it trusts, and believes what they say of the caller', () => {
    const shim = office({ placing: { trustedPeers: ['127.0.0.8/31'] } });
    const asserted = ['P-Asserted-Identity: <sip:alice@example.com>'];
    const called = shim.receive(requestText('INVITE', { body: SDP, headers: asserted }), flow(9));
    expect(status(called)).toContain('INVITE');
    expect(called.messages.find((m) => m.method === 'INVITE')?.text).toContain('P-Asserted-Identity');
  });

  it('answers OPTIONS to itself, and challenges one for a user', () => {
    const shim = shimOf();
    expect(status(shim.receive(requestText('OPTIONS', { uri: 'sip:example.com', to: '<sip:example.com>' }), flow(9)))).toEqual([
      200,
    ]);
    expect(status(shim.receive(requestText('OPTIONS', { uri: 'sip:bob@example.com' }), flow(9)))).toEqual([407]);
  });
});

describe('RFC 3261 22.1 what is not challenged', () => {
  const DIALOG = {
    to: '<sip:bob@example.com>;tag=b',
    uri: 'sip:bob@127.0.0.3:5060',
    headers: ['Route: <sip:127.0.0.1:5060;lr>'],
  };

  function talking() {
    const shim = office();
    const called = ask(shim, 'INVITE', { body: SDP }, flow(2), ALICE);
    const invite = called.messages.find((m) => m.method === 'INVITE' && m.status === 0) as Message;
    return { shim, invite, answer: (code: number) => shim.receive(answerTo(invite, code, { body: SDP }), flow(3)) };
  }

  it('is CANCEL and ACK', () => {
    const { shim, invite, answer } = talking();
    answer(180);
    const via = headers(invite, 'via')[1]?.replace(/;(received|rport)=[^;]*/g, '') as string;
    expect(status(shim.receive(requestText('CANCEL', { via, cseq: 2 }), flow(2)))).toEqual([200, 'CANCEL']);
  });

  it('is what comes within a call: by both its tags, from either side', () => {
    const { shim, answer } = talking();
    answer(200);
    expect(status(shim.receive(requestText('ACK', { ...DIALOG, cseq: 2 }), flow(2)))).toEqual(['ACK']);
    expect(status(shim.receive(requestText('INVITE', { ...DIALOG, cseq: 3, body: SDP }), flow(2)))).toContain('INVITE');
    const back = { from: '<sip:bob@example.com>;tag=b', to: '<sip:alice@example.com>;tag=a', uri: 'sip:alice@127.0.0.2:5060' };
    expect(status(shim.receive(requestText('BYE', { ...DIALOG, ...back }), flow(3)))).toEqual(['BYE']);
  });

  it('and takes away the credentials and what is asserted there too', () => {
    const { shim, answer } = talking();
    answer(200);
    const added = [
      'Proxy-Authorization: Digest username="alice", realm="example.com", nonce="n", uri="sip:bob@127.0.0.3:5060", response="r"',
      'P-Asserted-Identity: <sip:boss@example.com>',
      'X-Stays: yes',
    ];
    const headers = [...DIALOG.headers, ...added];
    const { messages } = shim.receive(requestText('UPDATE', { ...DIALOG, headers, cseq: 3 }), flow(2));
    const update = messages.find((m) => m.method === 'UPDATE');
    expect(update?.text).toContain('X-Stays');
    expect(update?.text).not.toMatch(/Proxy-Authorization|P-Asserted-Identity/);
  });

  it.each([
    ['a tag of no call', { to: '<sip:bob@example.com>;tag=x' }],
    ['the tag of the caller alone', { to: '<sip:bob@example.com>;tag=a' }],
    ['the Call-ID of another call', { callId: 'call-9' }],
  ])('is no INVITE or BYE of a stranger with %s', (_, otherwise) => {
    const { shim, answer } = talking();
    answer(200);
    for (const method of ['INVITE', 'BYE', 'REFER']) {
      expect(status(shim.receive(requestText(method, { ...DIALOG, cseq: 5, ...otherwise }), flow(9)))).toEqual([407]);
    }
    expect(shim.told().filter((line) => line.endsWith('idle'))).toEqual([]);
  });

  it("is a NOTIFY of a dialog that is not followed, over the flow of its sender's registration, and no INVITE", () => {
    const shim = office();
    const within = { to: '<sip:bob@example.com>;tag=s', callId: 'sub' };
    expect(status(shim.receive(requestText('NOTIFY', within), flow(2)))).toEqual(['NOTIFY']);
    expect(status(shim.receive(requestText('NOTIFY', within), flow(2, 5061)))).toEqual([407]);
    expect(status(shim.receive(requestText('INVITE', within), flow(2)))).toEqual([407]);
  });
});
