import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { journalOfBindings } from '../../shim/core/journal.ts';
import type { Binding, BindingChange } from '../../shim/core/registrar/binding.ts';
import { Location } from '../../shim/core/registrar/location.ts';
import { AOR, FLOW, registrar, story, T0 } from './request.ts';

const binding = (change: Partial<Binding> = {}): Binding => ({
  aor: AOR,
  contact: 'sip:alice@192.0.2.1',
  callId: 'c1',
  cseq: 1,
  q: 1,
  since: T0,
  expiresAt: T0 + 60_000,
  userAgent: '',
  flow: FLOW,
  params: '',
  ...change,
});

describe('FIG. 7 expiry of bindings', () => {
  it('ends a binding at its time, not before, and tells it once', () => {
    const { location, send } = registrar();
    send(['Contact: <sip:a@192.0.2.1>;expires=60, <sip:a@192.0.2.2>;expires=120']);
    expect(location.nextDeadline()).toBe(T0 + 60_000);
    expect(location.expire(T0 + 59_999)).toEqual([]);
    expect(story({ changes: location.expire(T0 + 60_000) })).toEqual(['removed sip:a@192.0.2.1 expired']);
    expect(location.expire(T0 + 60_000)).toEqual([]);
    expect(location.nextDeadline()).toBe(T0 + 120_000);
    expect(location.size).toBe(1);
    expect(story({ changes: location.expire(T0 + 500_000) })).toEqual(['removed sip:a@192.0.2.2 expired']);
    expect([...location.users()]).toEqual([]);
  });

  it('does not show a binding whose time is over, though nobody has told it yet', () => {
    const { location, send } = registrar();
    send(['Contact: <sip:a@192.0.2.1>;expires=60, <sip:a@192.0.2.2>;expires=120']);
    expect(location.lookup(AOR, T0 + 60_000).map(({ contact }) => contact)).toEqual(['sip:a@192.0.2.2']);
    expect(location.has(AOR, T0 + 119_999)).toBe(true);
    expect(location.has(AOR, T0 + 120_000)).toBe(false);
    expect(location.get(AOR)).toHaveLength(2);
  });

  it('moves the deadline with a refresh', () => {
    const { location, at, send } = registrar();
    send(['Contact: <sip:a@192.0.2.1>;expires=60']);
    at.now += 30_000;
    send(['Contact: <sip:a@192.0.2.1>;expires=60'], { cseq: 2 });
    expect(location.expire(T0 + 60_000)).toEqual([]);
    expect(location.nextDeadline()).toBe(T0 + 90_000);
  });

  it('tells the expiry of a binding first where its phone comes back before anybody noticed', () => {
    const { at, send } = registrar();
    send(['Contact: <sip:a@192.0.2.1>;expires=60']);
    at.now += 60_000;
    expect(story(send(['Contact: <sip:a@192.0.2.1>'], { cseq: 2 }))).toEqual([
      'removed sip:a@192.0.2.1 expired',
      'added sip:a@192.0.2.1',
    ]);
    at.now += 7_200_000;
    const refused = send(['Contact: <tel:1>'], { cseq: 3 });
    expect(refused.status).toBe(400);
    expect(story(refused)).toEqual(['removed sip:a@192.0.2.1 expired']);
  });

  it('restores bindings, and the first expire tells those that ended meanwhile', () => {
    const location = new Location({ bindings: 2 });
    const rest = [
      binding(),
      binding({ contact: 'sip:alice@192.0.2.2', expiresAt: T0 + 1 }),
      binding({ aor: 'sip:bob@example.com' }),
    ];
    expect(location.restore(rest)).toBe(1);
    expect(story({ changes: location.expire(T0 + 10) })).toEqual(['removed sip:alice@192.0.2.2 expired']);
    expect(location.has(AOR, T0 + 10)).toBe(true);
    expect(location.size).toBe(1);
  });
});

describe('RFC 3261 10.3 location service, as a property', () => {
  const contact = fc.constantFrom('sip:a@h1', 'sip:%61@H1', 'sip:a@h1;ob', 'sip:a@h2', 'sip:a@h2:5060', 'sips:a@h1', 'tel:1');
  const value = fc.record({
    contact,
    expires: fc.constantFrom(0, 30, 60, 90, 600, undefined),
    q: fc.constantFrom('', ';q=0.5', ';q=0.123'),
  });
  const step = fc.oneof(
    fc.record({ pass: fc.integer({ min: 0, max: 200_000 }) }),
    fc.record({ star: fc.constantFrom(0, 60), callId: fc.constantFrom('x', 'y'), cseq: fc.integer({ min: 1, max: 30 }) }),
    fc.record({
      values: fc.array(value, { maxLength: 4 }),
      callId: fc.constantFrom('x', 'y'),
      cseq: fc.integer({ min: 1, max: 30 }),
    }),
  );

  /** Does what the journal says to a set of rows. */
  const replay = (rows: Map<string, Binding>, changes: readonly BindingChange[]) => {
    for (const op of journalOfBindings(changes)) {
      if (op.op === 'binding-put') rows.set(`${op.binding.aor} ${op.binding.contact}`, op.binding);
      if (op.op === 'binding-delete') rows.delete(`${op.aor} ${op.contact}`);
    }
  };

  it('keeps location, disk and told changes the same, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.constantFrom('refuse' as const, 'displace' as const),
        (steps, onLimit) => {
          const { location, at, send } = registrar({ maxContacts: 3, minExpires: 60, onLimit }, new Location({ bindings: 4 }));
          const rows = new Map<string, Binding>();
          for (const one of steps) {
            if ('pass' in one) {
              at.now += one.pass;
              replay(rows, location.expire(at.now));
            } else if ('star' in one) replay(rows, send(['Contact: *'], { ...one, expires: one.star }).changes);
            else {
              const lines = one.values.map(
                (v) => `Contact: <${v.contact}>${v.q}${v.expires === undefined ? '' : `;expires=${v.expires}`}`,
              );
              const result = send(lines, one);
              replay(rows, result.changes);
              if (result.status !== 200)
                expect(result.changes.every((c) => c.type === 'removed' && c.reason === 'expired')).toBe(true);
            }
            const kept = location.get(AOR);
            expect(new Set(rows.values())).toEqual(new Set(kept));
            expect(location.size).toBe(kept.length);
            expect(kept.length).toBeLessThanOrEqual(3);
            expect(location.nextDeadline()).toBe(kept.length === 0 ? undefined : Math.min(...kept.map((b) => b.expiresAt)));
            expect(kept.map((b) => b.q)).toEqual(kept.map((b) => b.q).toSorted((a, b) => b - a));
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
