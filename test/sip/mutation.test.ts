import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as sip from '../../shim/core/sip/index.ts';
import { askAll, EDIT } from '../support/sip-ask.ts';
import { fixture, INVITE } from './support.ts';

const seeds = [
  INVITE,
  ...['rfc4475', 'rfc5118'].flatMap((folder) =>
    readdirSync(new URL(`fixtures/${folder}`, import.meta.url)).map((file) => fixture(`${folder}/${file}`)),
  ),
];

/** One change to a message: at a place (0 to 1 of its length), of a kind, with a byte or a count. */
const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  kind: fc.constantFrom('flip', 'insert', 'delete', 'truncate', 'double', 'swap', 'repeat'),
  byte: fc.oneof(
    fc.constantFrom(...'\r\n;,:<>"\\@[]%= \t\0'),
    fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)),
  ),
  count: fc.integer({ min: 1, max: 40 }),
});

function mutate(text: string, change: { at: number; kind: string; byte: string; count: number }): string {
  const at = Math.floor(change.at * text.length);
  const [left, right] = [text.slice(0, at), text.slice(at)];
  const rows = text.split('\r\n');
  const row = Math.floor(change.at * (rows.length - 1));
  switch (change.kind) {
    case 'flip':
      return left + change.byte + right.slice(1);
    case 'insert':
      return left + change.byte.repeat(change.count) + right;
    case 'delete':
      return left + right.slice(change.count);
    case 'truncate':
      return left;
    case 'double':
      return rows.toSpliced(row, 0, rows[row] as string).join('\r\n');
    case 'swap':
      return rows.toSpliced(row, 1, rows[0] as string).join('\r\n');
    default:
      return left + right.slice(0, change.count).repeat(3) + right;
  }
}

describe('Offhook mutated messages', () => {
  it('never throw in any accessor, splice or answer, and what is relayed is well-formed again', () => {
    let [taken, refused, answered] = [0, 0, 0];
    fc.assert(
      fc.property(fc.constantFrom(...seeds), fc.array(mutation, { minLength: 1, maxLength: 4 }), (seed, changes) => {
        const text = changes.reduce(mutate, seed);
        const result = sip.scan(text, sip.DEFAULT_MESSAGE_LIMITS, 'datagram');
        if (!result.ok) {
          refused++;
          if (result.message === undefined) return;
          answered++;
          askAll(result.message);
          const reply = sip.respond(result.message, result.status, result.reason, { toTag: 'x', via: EDIT.stampVia });
          // Whatever stood in the request, the answer has the lines that an answer has, and none is begun by what was copied.
          const rows = reply.slice(0, reply.indexOf('\r\n\r\n')).split('\r\n');
          expect(rows[0]).toBe(`SIP/2.0 ${result.status} ${result.reason}`);
          for (const row of rows.slice(1)) expect(row).toMatch(/^(Via|From|To|Call-ID|CSeq|Content-Length): [^\r\n]*$/);
          return;
        }
        taken++;
        const m = result.message;
        askAll(m);
        if (!sip.isRequest(m)) {
          sip.relayResponse(m);
          return;
        }
        sip.stampRequest(m, EDIT.stampVia);
        sip.cancel(m);
        sip.ack(m, m);
        const relayed = sip.scan(sip.relayRequest(m, EDIT), sip.DEFAULT_MESSAGE_LIMITS, 'stream');
        if (!relayed.ok) expect.unreachable(`${relayed.reason}: ${JSON.stringify(text)}`);
        expect(sip.maxForwards(relayed.message)).toBe(42);
        expect(sip.topVia(relayed.message)?.branch).toBe('z9hG4bKedit');
        expect(sip.body(relayed.message)).toBe(sip.body(m));
        const reply = sip.scan(sip.respond(m, 486, '', { toTag: 'x' }), sip.DEFAULT_MESSAGE_LIMITS, 'stream');
        if (!reply.ok) expect.unreachable(`${reply.reason}: ${JSON.stringify(text)}`);
        expect(sip.callId(reply.message)).toBe(sip.callId(m));
      }),
      { numRuns: 5000 },
    );
    // The mutations are of use only while both kinds come about.
    expect(Math.min(taken, refused, answered)).toBeGreaterThan(100);
  });
});
