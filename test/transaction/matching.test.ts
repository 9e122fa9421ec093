import { beforeEach, describe, expect, it } from 'vitest';
import { respond } from '../../shim/core/sip/index.ts';
import { DEFAULT_TRANSACTION_SETTINGS, TransactionTable } from '../../shim/core/transaction/index.ts';
import { Driver } from './driver.ts';
import { FLOW, parse, received, text, UDP } from './messages.ts';

let driver: Driver;
let table: TransactionTable;

beforeEach(() => {
  table = new TransactionTable(DEFAULT_TRANSACTION_SETTINGS);
  driver = new Driver(table);
});

describe('RFC 3261 17.2.3 matching requests to server transactions', () => {
  it('goes by branch, sent-by and method, whatever else differs', () => {
    expect(driver.request(received('INVITE'), FLOW).kind).toBe('new');
    expect(driver.request(received('INVITE', { callId: 'other', cseq: 9 }), FLOW).kind).toBe('absorbed');
    expect(driver.request(received('INVITE', { branch: 'z9hG4bK2' }), FLOW).kind).toBe('new');
    expect(driver.request(received('INVITE', { host: '192.0.2.1:5062' }), FLOW).kind).toBe('new');
    expect(driver.request(received('INVITE', { host: '192.0.2.9:5060' }), FLOW).kind).toBe('new');
    expect(driver.request(received('OPTIONS'), FLOW).kind).toBe('new');
    expect(table.alive('server')).toBe(5);
  });

  it('compares the host of sent-by without regard to case', () => {
    driver.request(received('INVITE', { host: 'Phone.Example.com' }), FLOW);
    expect(driver.request(received('INVITE', { host: 'phone.example.COM' }), FLOW).kind).toBe('absorbed');
  });

  it('cannot be confused by separators inside branch or host', () => {
    driver.request(received('INVITE', { branch: 'z9hG4bKx', host: 'a:1' }), FLOW);
    expect(driver.request(received('INVITE', { branch: 'z9hG4bKx', host: 'a:11' }), FLOW).kind).toBe('new');
    expect(driver.request(received('OPTIONS', { branch: 'z9hG4bKx', host: 'a:1' }), FLOW).kind).toBe('new');
  });

  it('gives an ACK that matches nothing to the TU', () => {
    expect(driver.request(received('ACK'), FLOW)).toEqual({ kind: 'ack', id: undefined, actions: [] });
    expect(table.size).toBe(0);
  });
});

describe.each([
  ['without a branch', ''],
  ['with a branch of its own kind', 'abc123'],
  ['with the magic cookie and nothing behind it (RFC 4475 3.2.1)', 'z9hG4bK'],
])('RFC 3261 17.2.3 requests of RFC 2543 clients %s', (_, branch) => {
  it('match by Request-URI, tags, Call-ID, CSeq and top Via', () => {
    const same = { branch };
    expect(driver.request(received('INVITE', same), FLOW).kind).toBe('new');
    expect(driver.request(received('INVITE', same), FLOW).kind).toBe('absorbed');
    for (const other of [
      { uri: 'sip:carol@example.com' },
      { from: '<sip:alice@example.com>;tag=a2' },
      { to: '<sip:bob@example.com>;tag=b' },
      { callId: 'call-2' },
      { cseq: 2 },
      { host: '192.0.2.1:5070' },
      { viaParams: ';ttl=3' },
    ]) {
      expect(driver.request(received('INVITE', { ...same, ...other }), FLOW).kind).toBe('new');
    }
    expect(driver.request(received('OPTIONS', same), FLOW).kind).toBe('new');
  });

  it('have their ACK matched with the To tag of the response that was sent', () => {
    const invite = received('INVITE', { branch });
    const result = driver.request(invite, FLOW);
    if (result.kind !== 'new') throw new Error(result.kind);
    driver.respond(result.id, 486, respond(invite, 486, '', { toTag: 'mine' }));
    const ack = (tag: string) => received('ACK', { branch, to: `<sip:bob@example.com>;tag=${tag}` });
    expect(driver.request(ack('other'), FLOW).kind).toBe('ack');
    expect(driver.request(ack('mine'), FLOW)).toEqual({ kind: 'absorbed', id: result.id, actions: [] });
    driver.runUntil(4_999);
    expect(driver.sent).toHaveLength(1);
    driver.runUntil(5_000);
    expect(table.size).toBe(0);
    expect(driver.request(ack('mine'), FLOW).kind).toBe('ack');
  });

  it('have their CANCEL matched', () => {
    const result = driver.request(received('INVITE', { branch }), FLOW);
    expect(table.matchCancel(received('CANCEL', { branch }))).toBe(result.kind === 'new' ? result.id : '');
    expect(table.matchCancel(received('CANCEL', { branch, callId: 'call-2' }))).toBeUndefined();
  });
});

describe('RFC 3261 9.2 CANCEL at the server', () => {
  it('is a transaction of its own, and is matched to the INVITE by branch and sent-by', () => {
    const invite = driver.request(received('INVITE'), FLOW);
    const cancel = received('CANCEL');
    expect(driver.request(cancel, FLOW).kind).toBe('new');
    expect(table.matchCancel(cancel)).toBe(invite.kind === 'new' ? invite.id : '');
    expect(table.matchCancel(received('CANCEL', { branch: 'z9hG4bK2' }))).toBeUndefined();
    expect(table.matchCancel(received('CANCEL', { host: '192.0.2.9' }))).toBeUndefined();
  });

  it('matches nothing where the request is no CANCEL, or what it names is no INVITE', () => {
    driver.request(received('INVITE'), FLOW);
    driver.request(received('OPTIONS', { branch: 'z9hG4bK2' }), FLOW);
    expect(table.matchCancel(received('BYE'))).toBeUndefined();
    expect(table.matchCancel(received('CANCEL', { branch: 'z9hG4bK2' }))).toBeUndefined();
  });
});

describe('Offhook transaction limits', () => {
  beforeEach(() => {
    table = new TransactionTable({ ...DEFAULT_TRANSACTION_SETTINGS, max: 2 });
    driver = new Driver(table);
  });

  it('refuse new requests when the table is full, while those it has go on', () => {
    const first = driver.request(received('INVITE', { branch: 'z9hG4bK1' }), FLOW);
    driver.request(received('INVITE', { branch: 'z9hG4bK2' }), FLOW);
    expect(driver.request(received('INVITE', { branch: 'z9hG4bK3' }), FLOW)).toEqual({ kind: 'full', actions: [] });
    expect(driver.request(received('INVITE', { branch: 'z9hG4bK1' }), FLOW).kind).toBe('absorbed');
    expect(table.counters.refused).toBe(1);
    if (first.kind !== 'new') throw new Error(first.kind);
    const invite = received('INVITE');
    driver.respond(first.id, 486, respond(invite, 486, '', { toTag: 'b' }));
    driver.request(received('ACK'), FLOW);
    driver.runUntil(6_000);
    expect(driver.request(received('INVITE', { branch: 'z9hG4bK3' }), FLOW).kind).toBe('new');
  });

  it('let a CANCEL in for an INVITE that is there, once, and no other', () => {
    driver.request(received('INVITE', { branch: 'z9hG4bK1' }), FLOW);
    driver.request(received('INVITE', { branch: 'z9hG4bK2' }), FLOW);
    expect(driver.request(received('CANCEL', { branch: 'z9hG4bK1' }), FLOW).kind).toBe('new');
    expect(driver.request(received('CANCEL', { branch: 'z9hG4bK1' }), FLOW).kind).toBe('absorbed');
    expect(driver.request(received('CANCEL', { branch: 'z9hG4bK3' }), FLOW).kind).toBe('full');
    expect(table.alive('server')).toBe(3);
  });

  it('refuse to send beyond them, apart from what servers use', () => {
    driver.request(received('INVITE'), FLOW);
    const send = (branch: string) => table.send({ text: text('INVITE', { branch }), method: 'INVITE', branch }, UDP, 0);
    expect(send('z9hG4bK1').ok).toBe(true);
    expect(send('z9hG4bK2').ok).toBe(true);
    expect(send('z9hG4bK3')).toEqual({ ok: false, reason: 'full', actions: [] });
  });
});

describe('Offhook transaction table', () => {
  it('ignores what names no transaction, or one of the other side', () => {
    const id = driver.send({ text: text('INVITE'), method: 'INVITE', branch: 'z9hG4bK1' }, UDP);
    const invite = parse(text('INVITE'));
    expect(table.respond('s|none', 200, 'x', 0)).toEqual([]);
    expect(table.respond(id, 200, respond(invite, 200, ''), 0)).toEqual([]);
    expect(table.cancel('c|none', 0)).toEqual([]);
    expect(table.transportError('c|none', 0)).toEqual([]);
    expect(table.has(id)).toBe(true);
  });

  it('makes up for a late wake-up once, not for every timer that was missed', () => {
    driver.send({ text: text('OPTIONS'), method: 'OPTIONS', branch: 'z9hG4bK1' }, UDP);
    expect(table.expire(20_000).actions).toHaveLength(1);
    expect(table.nextDeadline()).toBe(21_000);
    expect(table.expire(20_999)).toEqual({ actions: [], events: [] });
    expect(table.expire(90_000).events.map((event) => event.type)).toEqual(['timeout', 'terminated']);
    expect(table.nextDeadline()).toBeUndefined();
  });
});
