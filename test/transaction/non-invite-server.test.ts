import { beforeEach, describe, expect, it } from 'vitest';
import { respond } from '../../shim/core/sip/index.ts';
import { DEFAULT_TRANSACTION_SETTINGS, TransactionTable } from '../../shim/core/transaction/index.ts';
import type { Flow } from '../../shim/core/transport.ts';
import { Driver } from './driver.ts';
import { FLOW, parse, received, TCP_FLOW } from './messages.ts';

const BYE = received('BYE');
const reply = (status: number) => respond(BYE, status, '');

let driver: Driver;
let table: TransactionTable;

beforeEach(() => {
  table = new TransactionTable(DEFAULT_TRANSACTION_SETTINGS);
  driver = new Driver(table);
});

function bye(flow: Flow = FLOW): string {
  const result = driver.request(BYE, flow);
  if (result.kind !== 'new') throw new Error(result.kind);
  return result.id;
}

describe('RFC 3261 17.2.2 non-INVITE server transaction (Figure 8)', () => {
  it('discards retransmissions in Trying', () => {
    const id = bye();
    expect(driver.request(BYE, FLOW)).toEqual({ kind: 'absorbed', id, actions: [] });
  });

  it('repeats the last provisional response in Proceeding', () => {
    const id = bye();
    driver.respond(id, 180, reply(180));
    driver.respond(id, 183, reply(183));
    driver.request(BYE, FLOW);
    expect(driver.sent.map((sent) => parse(sent.text).status)).toEqual([180, 183, 183]);
  });

  it.each([200, 302, 481, 500, 600])(
    'repeats the final response %i for each retransmission for 32 s (timer J), and takes no other',
    (status) => {
      const id = bye();
      driver.runUntil(1_000);
      driver.respond(id, status, reply(status));
      driver.runUntil(2_000);
      driver.request(BYE, FLOW);
      driver.respond(id, 500, reply(500));
      driver.respond(id, 180, reply(180));
      driver.runUntil(32_999);
      driver.request(BYE, FLOW);
      driver.runUntil(100_000);
      expect(driver.sent.map((sent) => [sent.at, parse(sent.text).status])).toEqual([
        [1_000, status],
        [2_000, status],
        [32_999, status],
      ]);
      expect(driver.events.map((event) => [event.at, event.type])).toEqual([[33_000, 'terminated']]);
      expect(table.size).toBe(0);
    },
  );

  it('goes from Proceeding to Completed in the same way', () => {
    const id = bye();
    driver.respond(id, 180, reply(180));
    driver.respond(id, 200, reply(200));
    driver.request(BYE, FLOW);
    expect(driver.sent.map((sent) => parse(sent.text).status)).toEqual([180, 200, 200]);
  });

  it('ends at once after the final response over TCP (timer J is zero)', () => {
    driver.respond(bye(TCP_FLOW), 200, reply(200));
    driver.runUntil(0);
    expect(driver.events.map((event) => [event.at, event.type])).toEqual([[0, 'terminated']]);
  });

  it.each([[], [180], [200]])('tells the TU of a transport error and ends (17.2.4)', (...statuses) => {
    const id = bye();
    for (const status of statuses) driver.respond(id, status, reply(status));
    expect(table.transportError(id, 0).map((event) => event.type)).toEqual(['transport-error', 'terminated']);
    expect(table.size).toBe(0);
    expect(table.nextDeadline()).toBeUndefined();
  });
});

describe('RFC 4320 4 non-INVITE requests that are slow to be answered', () => {
  it('get a 100 when timer E of the client has grown to T2, and not before', () => {
    bye();
    driver.runUntil(3_499);
    expect(driver.sent).toEqual([]);
    driver.runUntil(3_500);
    expect(driver.sent.map((sent) => parse(sent.text).status)).toEqual([100]);
    driver.request(BYE, FLOW);
    expect(driver.sent.map((sent) => parse(sent.text).status)).toEqual([100, 100]);
  });

  it('get no 100 where the TU has answered, and no answer at all once the client has given up', () => {
    const id = bye();
    driver.respond(id, 180, reply(180));
    driver.runUntil(100_000);
    expect(driver.sent).toHaveLength(1);
    // T4 later than the client gives up: its last retransmission may still be under way.
    expect(driver.events.map((event) => [event.at, event.type, event.side])).toEqual([
      [37_000, 'timeout', 'server'],
      [37_000, 'terminated', 'server'],
    ]);
    driver.respond(id, 200, reply(200));
    expect(driver.sent).toHaveLength(1);
  });
});
