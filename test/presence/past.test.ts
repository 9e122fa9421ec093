import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyRecord, type Held, type Kept, kept, PRESENCE_LIMITS, past } from '../../worker/presence/index.ts';
import type { PresenceDocument } from '../../worker/protocol/index.ts';
import { SimulatedUser, T0, USER } from './support/user.ts';

const time = (ms: number) => new Date(ms).toISOString();

/** What the store finds among rows: of those that had begun, the newest; of the later ones, when the first began. */
const heldAt = (rows: readonly Kept[], at: number): Held => {
  const row = rows.findLast((other) => other.at <= time(at));
  const later = rows.filter((other) => other.at > time(at) && other.version > (row?.version ?? 0)).map((other) => other.at);
  return { row, until: later.sort()[0] ?? null, oldest: rows[0] ?? null };
};

describe('Offhook history that gives back documents', () => {
  it('gives back what readers were shown, at any time, where nothing was learned late', () => {
    const step = fc.tuple(
      fc.constantFrom('online', 'offline', 'early', 'talking', 'idle'),
      fc.nat(2),
      fc.integer({ min: 1, max: 60_000 }),
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 15 }), fc.nat(1_000_000), (steps, moment) => {
        const user = new SimulatedUser();
        const rows: Kept[] = [];
        const shown: { from: number; document: PresenceDocument }[] = [];
        for (const [word, n, pause] of steps) {
          const { say } = user;
          const words = { online: say.online(`sip:${n}@1`), offline: say.offline(`sip:${n}@1`), early: say.early(`c${n}`) };
          const count = user.changes.length;
          user.tell({ ...words, talking: say.talking(`c${n}`), idle: say.idle(`c${n}`) }[word]);
          rows.push(...user.changes.slice(count).flatMap((change) => kept(change, user.now) ?? []));
          shown.push({ from: user.now, document: user.document });
          user.now += pause;
        }
        const at = T0 + (moment % (user.now - T0));
        const step = past(user.record, heldAt(rows, at), at, 0);
        const then = shown.findLast(({ from }) => from <= at)?.document;
        if (!step.ok) throw new Error(step.reason);
        const { asOf, ...document } = step.document;
        expect({ ...document, version: 0 }).toEqual({ ...then, version: 0 });
        expect(asOf.since <= time(at) && (asOf.until === null || time(at) < asOf.until)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('tells a time before the first word from one that is kept no more', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    const [change] = user.changes;
    const row = kept(change as NonNullable<typeof change>, T0) as Kept;
    const earlier = (oldest: Held['oldest']) => past(user.record, { row: undefined, until: null, oldest }, T0 - 1, 0);
    expect(earlier(row)).toEqual({ ok: false, reason: 'not-seen-yet', earliest: row.at });
    expect(earlier({ ...row, version: 7 })).toEqual({ ok: false, reason: 'not-kept', earliest: row.at });
  });

  it('knows, where all entries are too old to be kept, that nothing has changed since', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    const none = { row: undefined, until: null, oldest: null };
    const reach = T0 + 1_000;
    expect(past(user.record, none, reach, reach)).toMatchObject({
      ok: true,
      document: { status: 'available', asOf: { until: null } },
    });
    expect(past(user.record, none, reach - 1, reach)).toEqual({ ok: false, reason: 'not-kept', earliest: time(reach) });
  });

  it('is bounded: of a document that is too long the words alone are kept', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online(`sip:${'x'.repeat(PRESENCE_LIMITS.historyDocument)}@1`));
    const row = kept(user.changes[0] as NonNullable<(typeof user.changes)[0]>, T0) as Kept;
    expect(JSON.stringify(row).length).toBeLessThan(1_000);
    const step = past(emptyRecord(USER), { row, until: null, oldest: row }, T0, 0);
    expect(step).toMatchObject({ ok: true, document: { status: 'available', terminals: [], asOf: { partial: true } } });
  });
});
