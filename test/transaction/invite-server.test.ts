import { beforeEach, describe, expect, it } from 'vitest';
import { header, respond } from '../../shim/core/sip/index.ts';
import { DEFAULT_TRANSACTION_SETTINGS, TransactionTable } from '../../shim/core/transaction/index.ts';
import type { Flow } from '../../shim/core/transport.ts';
import { Driver } from './driver.ts';
import { FLOW, parse, received, TCP_FLOW } from './messages.ts';

const INVITE = received('INVITE');
const reply = (status: number) => respond(INVITE, status, '', { toTag: 'b' });
const TIMES_G = [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];

let driver: Driver;
let table: TransactionTable;

beforeEach(() => {
  table = new TransactionTable(DEFAULT_TRANSACTION_SETTINGS);
  driver = new Driver(table);
});

function invite(flow: Flow = FLOW, to: Driver = driver): string {
  const result = to.request(INVITE, flow);
  if (result.kind !== 'new') throw new Error(result.kind);
  return result.id;
}

describe('RFC 3261 17.2.1 INVITE server transaction (Figure 7)', () => {
  it('sends a 100 of its own after 200 ms where the TU has said nothing, to where the INVITE came from', () => {
    const asked = received('INVITE', { viaParams: ';rport', host: 'phone.example.com' });
    const result = driver.request(asked, { ...FLOW, remote: { address: '198.51.100.9', port: 1234 } });
    expect(result.kind).toBe('new');
    driver.runUntil(199);
    expect(driver.sent).toEqual([]);
    driver.runUntil(5_000);
    expect(driver.sent.map((sent) => sent.at)).toEqual([200]);
    expect(driver.sent[0]?.target).toEqual({ transport: 'udp', host: '198.51.100.9', port: 1234, local: FLOW.local });
    const trying = parse(driver.sent[0]?.text ?? '');
    expect(trying.status).toBe(100);
    expect(header(trying, 'via')).toMatch(/;rport=1234/);
    expect(header(trying, 'via')).toMatch(/;received=198\.51\.100\.9/);
    expect(header(trying, 'to')).not.toContain('tag');
  });

  it.each([100, 180, 200, 486])('sends no 100 of its own where the TU has given a %i', (status) => {
    const id = invite();
    driver.runUntil(199);
    driver.respond(id, status, reply(status));
    driver.runUntil(400);
    expect(driver.sent.map((sent) => sent.at)).toEqual([199]);
  });

  it('repeats the last provisional response for each retransmitted INVITE, and says nothing where there is none', () => {
    const id = invite();
    expect(driver.request(INVITE, FLOW)).toEqual({ kind: 'absorbed', id, actions: [] });
    driver.respond(id, 180, reply(180));
    driver.respond(id, 183, reply(183));
    expect(driver.request(INVITE, FLOW).kind).toBe('absorbed');
    expect(driver.sent.map((sent) => parse(sent.text).status)).toEqual([180, 183, 183]);
  });

  it('repeats a final response other than 2xx at intervals that double up to T2 (timer G), and gives up after 32 s (timer H)', () => {
    const id = invite();
    driver.respond(id, 486, reply(486));
    driver.runUntil(100_000);
    expect(driver.sent.map((sent) => sent.at)).toEqual(TIMES_G);
    expect(new Set(driver.sent.map((sent) => sent.text))).toEqual(new Set([reply(486)]));
    expect(driver.events.map((event) => [event.at, event.type])).toEqual([
      [32_000, 'timeout'],
      [32_000, 'terminated'],
    ]);
    expect(table.size).toBe(0);
  });

  it('repeats nothing over TCP on its own, but waits for the ACK all the same', () => {
    const id = invite(TCP_FLOW);
    driver.respond(id, 486, reply(486));
    expect(driver.sent[0]?.target).toEqual({ transport: 'tcp', host: '192.0.2.1', port: 5060, connection: 7 });
    driver.runUntil(100_000);
    expect(driver.sent).toHaveLength(1);
    expect(driver.events.map((event) => event.at)).toEqual([32_000, 32_000]);
  });

  it('answers a retransmitted INVITE with the final response again, and takes no other final response', () => {
    const id = invite();
    driver.respond(id, 486, reply(486));
    driver.request(INVITE, FLOW);
    driver.respond(id, 200, reply(200));
    driver.respond(id, 180, reply(180));
    driver.respond(id, 603, reply(603));
    expect(driver.sent.map((sent) => parse(sent.text).status)).toEqual([486, 486]);
  });

  it('falls silent at the ACK, and absorbs what comes late for T4 (timer I)', () => {
    const id = invite();
    driver.respond(id, 486, reply(486));
    driver.runUntil(600);
    expect(driver.request(received('ACK', { to: '<sip:bob@example.com>;tag=b' }), FLOW)).toEqual({
      kind: 'absorbed',
      id,
      actions: [],
    });
    driver.runUntil(5_000);
    expect(driver.request(received('ACK', { to: '<sip:bob@example.com>;tag=b' }), FLOW).kind).toBe('absorbed');
    expect(driver.request(INVITE, FLOW).kind).toBe('absorbed');
    driver.runUntil(100_000);
    expect(driver.sent.map((sent) => sent.at)).toEqual([0, 500]);
    expect(driver.events.map((event) => [event.at, event.type])).toEqual([[5_600, 'terminated']]);
  });

  it('ends at the ACK over TCP (timer I is zero)', () => {
    driver.respond(invite(TCP_FLOW), 486, reply(486));
    driver.runUntil(1_000);
    driver.request(received('ACK'), TCP_FLOW);
    driver.runUntil(1_000);
    expect(driver.events.map((event) => [event.at, event.type])).toEqual([[1_000, 'terminated']]);
  });

  it('drops an ACK that comes before any final response', () => {
    const id = invite();
    expect(driver.request(received('ACK'), FLOW)).toEqual({ kind: 'absorbed', id, actions: [] });
    driver.respond(id, 486, reply(486));
    expect(driver.sent).toHaveLength(1);
  });

  it('ends an INVITE that the TU leaves without a final response, later than any timer C, and tells it', () => {
    const id = invite();
    driver.runUntil(10_000);
    driver.respond(id, 180, reply(180));
    driver.runUntil(1_000_000);
    expect(driver.events.map((event) => [event.at, event.type])).toEqual([
      [10_000 + 185_000 + 64_000, 'timeout'],
      [10_000 + 185_000 + 64_000, 'terminated'],
    ]);
  });
});

describe('RFC 6026 7.1 INVITE server transaction, state Accepted', () => {
  it.each([FLOW, TCP_FLOW])('absorbs retransmitted INVITEs and passes on 2xx of the TU for 64*T1 (timer L)', (flow) => {
    const id = invite(flow);
    driver.respond(id, 200, reply(200));
    driver.runUntil(500);
    driver.respond(id, 200, reply(200));
    expect(driver.request(INVITE, flow)).toEqual({ kind: 'absorbed', id, actions: [] });
    driver.respond(id, 486, reply(486));
    driver.runUntil(31_999);
    expect(table.size).toBe(1);
    driver.runUntil(100_000);
    expect(driver.sent.map((sent) => [sent.at, parse(sent.text).status])).toEqual([
      [0, 200],
      [500, 200],
    ]);
    expect(driver.events.map((event) => [event.at, event.type])).toEqual([[32_000, 'terminated']]);
    driver.respond(id, 200, reply(200));
    expect(driver.sent).toHaveLength(2);
  });

  it('hands an ACK to the TU, whether it carries the branch of the INVITE or one of its own', () => {
    const id = invite();
    driver.respond(id, 200, reply(200));
    expect(driver.request(received('ACK'), FLOW)).toEqual({ kind: 'ack', id, actions: [] });
    expect(driver.request(received('ACK', { branch: 'z9hG4bKack' }), FLOW)).toEqual({ kind: 'ack', id: undefined, actions: [] });
    expect(table.size).toBe(1);
  });

  it('keeps its state when a response could not be sent, and tells the TU', () => {
    for (const status of [180, 200, 486]) {
      const other = new Driver(new TransactionTable(DEFAULT_TRANSACTION_SETTINGS));
      const id = invite(FLOW, other);
      other.respond(id, status, reply(status));
      expect(other.table.transportError(id, 0).map((event) => event.type)).toEqual(['transport-error']);
      expect(other.request(INVITE, FLOW).kind).toBe('absorbed');
    }
  });
});
