import { beforeEach, describe, expect, it } from 'vitest';
import { header, headers } from '../../shim/core/sip/index.ts';
import { DEFAULT_TRANSACTION_SETTINGS, TransactionTable } from '../../shim/core/transaction/index.ts';
import type { Target } from '../../shim/core/transport.ts';
import { Driver } from './driver.ts';
import { answer, parse, TCP, text, UDP } from './messages.ts';

const INVITE = text('INVITE', { routes: ['<sip:p1.example.com;lr>', '<sip:p2.example.com;lr>'] });

let driver: Driver;
let table: TransactionTable;

beforeEach(() => {
  table = new TransactionTable(DEFAULT_TRANSACTION_SETTINGS);
  driver = new Driver(table);
});

function invite(target: Target = UDP): string {
  return driver.send({ text: INVITE, method: 'INVITE', branch: 'z9hG4bK1' }, target);
}

describe('RFC 3261 17.1.1 INVITE client transaction (Figure 5)', () => {
  it('sends the INVITE again after 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s (timer A doubles) and times out at 32 s (timer B)', () => {
    const id = invite();
    driver.runUntil(100_000);
    expect(driver.sent.map((sent) => sent.at)).toEqual([0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    expect(driver.sent.every((sent) => sent.text === INVITE && sent.target === UDP)).toBe(true);
    expect(driver.events).toEqual([
      { at: 32_000, type: 'timeout', id, side: 'client', method: 'INVITE' },
      { at: 32_000, type: 'terminated', id, side: 'client', method: 'INVITE' },
    ]);
    expect(table.size).toBe(0);
  });

  it('sends nothing again over TCP, and times out all the same', () => {
    invite(TCP);
    driver.runUntil(100_000);
    expect(driver.sent.map((sent) => sent.at)).toEqual([0]);
    expect(driver.events.map((event) => [event.at, event.type])).toEqual([
      [32_000, 'timeout'],
      [32_000, 'terminated'],
    ]);
  });

  it('stops retransmitting at the first provisional response, and hands it and those that follow to the TU', () => {
    invite();
    driver.runUntil(600);
    expect(driver.response(answer(INVITE, 100)).kind).toBe('deliver');
    expect(driver.response(answer(INVITE, 180)).kind).toBe('deliver');
    expect(driver.response(answer(INVITE, 180)).kind).toBe('deliver');
    driver.runUntil(40_000);
    expect(driver.sent).toHaveLength(2);
    expect(driver.events).toEqual([]);
  });

  it('answers a final response other than 2xx with an ACK in its own transaction, and each repetition with the same ACK', () => {
    invite();
    driver.runUntil(100);
    expect(driver.response(answer(INVITE, 486, 'busy')).kind).toBe('deliver');
    const [, ack] = driver.sent;
    const message = parse(ack?.text ?? '');
    // 17.1.1.3
    expect(message.method).toBe('ACK');
    expect(message.uri).toBe('sip:bob@example.com');
    expect(headers(message, 'via')).toEqual(headers(parse(INVITE), 'via'));
    expect(header(message, 'to')).toContain('tag=busy');
    expect(header(message, 'cseq')).toBe('1 ACK');
    expect(headers(message, 'route')).toEqual(headers(parse(INVITE), 'route'));
    expect(ack?.target).toBe(UDP);
    driver.runUntil(10_000);
    expect(driver.response(answer(INVITE, 486, 'busy')).kind).toBe('absorbed');
    expect(driver.sent.map((sent) => sent.text)).toEqual([INVITE, ack?.text, ack?.text]);
  });

  it('stays completed for 32 s over UDP (timer D), and not at all over TCP', () => {
    invite();
    driver.runUntil(1_000);
    driver.response(answer(INVITE, 486));
    driver.runUntil(100_000);
    expect(driver.events.map((event) => [event.at, event.type])).toEqual([[33_000, 'terminated']]);

    const reliable = new Driver(new TransactionTable(DEFAULT_TRANSACTION_SETTINGS));
    reliable.send({ text: INVITE, method: 'INVITE', branch: 'z9hG4bK1' }, TCP);
    reliable.runUntil(1_000);
    reliable.response(answer(INVITE, 486));
    expect(reliable.table.nextDeadline()).toBe(1_000);
    reliable.runUntil(1_000);
    expect(reliable.events.map((event) => [event.at, event.type])).toEqual([[1_000, 'terminated']]);
  });

  it('tells the TU of a transport error in Calling and in Completed, and ends', () => {
    const id = invite();
    expect(table.transportError(id, 1).map((event) => event.type)).toEqual(['transport-error', 'terminated']);
    expect(table.size).toBe(0);
    expect(table.transportError(id, 2)).toEqual([]);

    invite();
    driver.response(answer(INVITE, 486));
    expect(table.transportError(id, 3).map((event) => event.type)).toEqual(['transport-error', 'terminated']);
    expect(table.nextDeadline()).toBeUndefined();
  });

  it('is not shaken in Proceeding by a transport error, nor in Completed by a provisional response or a 2xx', () => {
    const id = invite();
    driver.response(answer(INVITE, 180));
    expect(table.transportError(id, 0)).toEqual([]);
    driver.response(answer(INVITE, 486));
    const sent = driver.sent.length;
    expect(driver.response(answer(INVITE, 180)).kind).toBe('absorbed');
    expect(driver.response(answer(INVITE, 200)).kind).toBe('absorbed');
    expect(driver.sent).toHaveLength(sent);
    driver.runUntil(100_000);
    expect(driver.events.map((event) => [event.at, event.type])).toEqual([[32_000, 'terminated']]);
  });
});

describe('RFC 6026 7.2 INVITE client transaction, state Accepted', () => {
  it.each([UDP, TCP])('hands every 2xx to the TU for 64*T1 (timer M), sends no ACK, and drops anything else', (target) => {
    invite(target);
    driver.runUntil(100);
    driver.response(answer(INVITE, 180));
    driver.runUntil(5_000);
    expect(driver.response(answer(INVITE, 200, 'one')).kind).toBe('deliver');
    driver.runUntil(6_000);
    expect(driver.response(answer(INVITE, 200, 'one')).kind).toBe('deliver');
    expect(driver.response(answer(INVITE, 200, 'two')).kind).toBe('deliver');
    expect(driver.response(answer(INVITE, 183)).kind).toBe('absorbed');
    expect(driver.response(answer(INVITE, 486)).kind).toBe('absorbed');
    driver.runUntil(36_999);
    expect(table.size).toBe(1);
    driver.runUntil(37_000);
    expect(driver.events.map((event) => [event.at, event.type])).toEqual([[37_000, 'terminated']]);
    expect(driver.sent).toHaveLength(1);
    expect(driver.response(answer(INVITE, 200)).kind).toBe('stray');
  });
});

describe('RFC 3261 9.1 CANCEL by the client', () => {
  const cancels = () => driver.sent.filter((sent) => sent.text.startsWith('CANCEL '));

  it('goes out at once where a provisional response has come, in a transaction of its own with the same branch', () => {
    const id = invite();
    driver.response(answer(INVITE, 180));
    driver.perform(table.cancel(id, 0));
    const cancel = parse(cancels()[0]?.text ?? '');
    expect(header(cancel, 'via')).toBe(header(parse(INVITE), 'via'));
    expect(header(cancel, 'cseq')).toBe('1 CANCEL');
    expect(header(cancel, 'to')).toBe('<sip:bob@example.com>');
    expect(headers(cancel, 'route')).toEqual(headers(parse(INVITE), 'route'));
    // The TU hears nothing of the answer to the CANCEL, and all of that to the INVITE.
    expect(driver.response(answer(cancel.text, 200)).kind).toBe('absorbed');
    expect(driver.response(answer(INVITE, 487)).kind).toBe('deliver');
    driver.runUntil(100_000);
    expect(cancels()).toHaveLength(1);
    expect(driver.events.map((event) => [event.type, event.method])).toEqual([['terminated', 'INVITE']]);
  });

  it('waits for a provisional response, and is not sent where the final response comes first', () => {
    const id = invite();
    driver.perform(table.cancel(id, 0));
    driver.runUntil(600);
    expect(cancels()).toHaveLength(0);
    expect(driver.sent).toHaveLength(2);
    driver.response(answer(INVITE, 100));
    expect(cancels()).toHaveLength(1);

    const other = new Driver(new TransactionTable(DEFAULT_TRANSACTION_SETTINGS));
    const second = other.send({ text: INVITE, method: 'INVITE', branch: 'z9hG4bK1' }, UDP);
    other.perform(other.table.cancel(second, 0));
    other.response(answer(INVITE, 200));
    expect(other.sent).toHaveLength(1);
  });

  it('is repeated as any request, and the INVITE is given up 64*T1 after it where no final response comes', () => {
    const id = invite();
    driver.response(answer(INVITE, 180));
    driver.runUntil(10_000);
    driver.perform(table.cancel(id, 10_000));
    driver.perform(table.cancel(id, 10_000));
    driver.runUntil(100_000);
    expect(cancels().map((sent) => sent.at - 10_000)).toEqual([
      0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
    ]);
    expect(driver.events.map((event) => [event.at, event.type])).toEqual([
      [42_000, 'timeout'],
      [42_000, 'terminated'],
    ]);
    expect(table.size).toBe(0);
  });
});

describe('RFC 3261 16.8 timer C', () => {
  it('cancels an INVITE that rings for longer than timer C; each provisional response above 100 starts it anew', () => {
    invite();
    driver.response(answer(INVITE, 180));
    driver.runUntil(100_000);
    driver.response(answer(INVITE, 100));
    driver.runUntil(150_000);
    driver.response(answer(INVITE, 180));
    driver.runUntil(150_000 + 184_999);
    expect(driver.sent).toHaveLength(1);
    driver.runUntil(150_000 + 185_000);
    expect(driver.sent[1]?.text).toMatch(/^CANCEL /);
    expect(driver.response(answer(INVITE, 487)).kind).toBe('deliver');
  });
});
