import { beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_TRANSACTION_SETTINGS, TransactionTable } from '../../shim/core/transaction/index.ts';
import type { Target } from '../../shim/core/transport.ts';
import { Driver } from './driver.ts';
import { answer, TCP, text, UDP } from './messages.ts';

const OPTIONS = text('OPTIONS');
const EVERY_T2 = [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];

let driver: Driver;
let table: TransactionTable;

beforeEach(() => {
  table = new TransactionTable(DEFAULT_TRANSACTION_SETTINGS);
  driver = new Driver(table);
});

const options = (target: Target = UDP) => driver.send({ text: OPTIONS, method: 'OPTIONS', branch: 'z9hG4bK1' }, target);

describe('RFC 3261 17.1.2 non-INVITE client transaction (Figure 6)', () => {
  it('sends the request again after 0.5, 1.5 and 3.5 s, then every 4 s (timer E is capped at T2), and times out at 32 s (timer F)', () => {
    const id = options();
    driver.runUntil(100_000);
    expect(driver.sent.map((sent) => sent.at)).toEqual(EVERY_T2);
    expect(driver.events.map((event) => [event.at, event.type, event.id])).toEqual([
      [32_000, 'timeout', id],
      [32_000, 'terminated', id],
    ]);
    expect(table.size).toBe(0);
  });

  it('sends nothing again over TCP, and times out at 32 s', () => {
    options(TCP);
    driver.runUntil(100_000);
    expect(driver.sent).toHaveLength(1);
    expect(driver.events.map((event) => event.at)).toEqual([32_000, 32_000]);
  });

  it('goes on every T2 after a provisional response, which stops neither timer E nor timer F', () => {
    options();
    driver.runUntil(600);
    expect(driver.response(answer(OPTIONS, 100)).kind).toBe('deliver');
    expect(driver.response(answer(OPTIONS, 180)).kind).toBe('deliver');
    driver.runUntil(100_000);
    // Timer E runs on (to 1.5 s), and from then on with T2.
    expect(driver.sent.map((sent) => sent.at)).toEqual([0, 500, 1_500, 5_500, 9_500, 13_500, 17_500, 21_500, 25_500, 29_500]);
    expect(driver.events.map((event) => [event.at, event.type])).toEqual([
      [32_000, 'timeout'],
      [32_000, 'terminated'],
    ]);
  });

  it.each([200, 301, 404, 500, 603])(
    'hands the final response %i to the TU once, and absorbs repetitions for T4 (timer K)',
    (status) => {
      options();
      driver.runUntil(700);
      expect(driver.response(answer(OPTIONS, status)).kind).toBe('deliver');
      driver.runUntil(5_000);
      expect(driver.response(answer(OPTIONS, status)).kind).toBe('absorbed');
      expect(driver.response(answer(OPTIONS, 100)).kind).toBe('absorbed');
      driver.runUntil(100_000);
      expect(driver.sent).toHaveLength(2);
      expect(driver.events.map((event) => [event.at, event.type])).toEqual([[5_700, 'terminated']]);
      expect(driver.response(answer(OPTIONS, status)).kind).toBe('stray');
    },
  );

  it('ends at once after the final response over TCP (timer K is zero), from Proceeding as from Trying', () => {
    options(TCP);
    driver.runUntil(1_000);
    driver.response(answer(OPTIONS, 100));
    driver.response(answer(OPTIONS, 200));
    driver.runUntil(1_000);
    expect(driver.events.map((event) => [event.at, event.type])).toEqual([[1_000, 'terminated']]);
  });

  it.each([[], [100]])('tells the TU of a transport error in Trying and in Proceeding, and ends', (...provisional) => {
    const id = options();
    for (const status of provisional) driver.response(answer(OPTIONS, status));
    expect(table.transportError(id, 1).map((event) => event.type)).toEqual(['transport-error', 'terminated']);
    expect(table.size).toBe(0);
  });

  it('is not cancelled: a CANCEL is for INVITE alone (9.1)', () => {
    expect(table.cancel(options(), 0)).toEqual([]);
  });
});

describe('RFC 3261 17.1.3 matching responses to client transactions', () => {
  it('goes by the branch of the top Via and the method of CSeq', () => {
    options();
    const other = driver.send({ text: text('INVITE'), method: 'INVITE', branch: 'z9hG4bK1' }, UDP);
    expect(driver.response(answer(text('INVITE'), 180))).toMatchObject({ kind: 'deliver', id: other });
    expect(driver.response(answer(text('BYE'), 200)).kind).toBe('stray');
    expect(driver.response(answer(text('OPTIONS', { branch: 'z9hG4bK2' }), 200)).kind).toBe('stray');
    expect(driver.response(answer(text('OPTIONS', { branch: '' }), 200)).kind).toBe('stray');
    expect(driver.response(answer(OPTIONS, 200)).kind).toBe('deliver');
    expect(table.counters.stray).toBe(3);
  });

  it('refuses a second request with a branch that is in use', () => {
    options();
    expect(table.send({ text: OPTIONS, method: 'OPTIONS', branch: 'z9hG4bK1' }, UDP, 0)).toMatchObject({
      ok: false,
      reason: 'branch in use',
    });
  });
});
