import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endsSnapshot, markIn, snapshotFrame, typeOf, withCursor } from '../../worker/objects/frames.ts';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import { MARK_LENGTH, markOf, NOTHING_YET, NOWHERE, placeOf } from '../../worker/objects/mark.ts';
import { Unread } from '../../worker/objects/unread.ts';
import { Backlog } from '../../worker/routes/backlog.ts';
import { ROUTE_LIMITS } from '../../worker/routes/limits.ts';

describe('Offhook cursors: marks', () => {
  it('stand for a place, all of the same length, in the order of their numbers', () => {
    const places = fc.record({ epoch: fc.integer({ min: 1, max: 1e9 }), seq: fc.integer({ min: 0, max: 2 ** 48 - 1 }) });
    fc.assert(
      fc.property(places, (place) => {
        const mark = markOf(place);
        expect([mark.length, placeOf(mark)]).toEqual([MARK_LENGTH, place]);
        expect([NOWHERE, NOTHING_YET]).not.toContain(mark);
      }),
    );
  });

  it('are none where the text is anything else', () => {
    expect([NOWHERE, '', 'AAAA', 'A'.repeat(14), `${'A'.repeat(12)}=`, `${'A'.repeat(12)}\n`].map(placeOf)).toEqual(
      Array(6).fill(undefined),
    );
  });
});

describe('Offhook watch frames', () => {
  it('are found out and given another cursor without being parsed', () => {
    const mark = markOf({ epoch: 1, seq: 5 });
    const text = JSON.stringify({ user: 'sip:a@b', note: '"more":false,"cursor":"' });
    for (const more of [true, false]) {
      const frame = snapshotFrame([{ user: 'sip:a@b', text }], more, mark, 'expired');
      expect([typeOf(frame), markIn(frame), endsSnapshot(frame)]).toEqual(['snapshot', mark, !more]);
      const before = JSON.parse(frame) as object;
      expect(JSON.parse(withCursor(frame, 'other'))).toEqual({ ...before, cursor: 'other' });
      expect(JSON.parse(withCursor(frame, 'other', true))).toEqual({ ...before, more: true, cursor: 'other' });
    }
  });
});

describe('Offhook watch: what a watcher may not have read', () => {
  const { watcherAsk, watcherAnswer, watcherUnread, watcherBurst } = OBJECT_LIMITS;

  it('is asked for once at a time; the answer stands for what was sent before the question', () => {
    const unread = new Unread();
    unread.sent(watcherAsk - 1);
    expect(unread.ask(0)).toBe(false);
    unread.sent(1);
    expect([unread.ask(0), unread.ask(0)]).toEqual([true, false]);
    unread.sent(10);
    expect([unread.acknowledged(), unread.size, unread.acknowledged(), unread.size]).toEqual([true, 10, false, 10]);
  });

  it('is too much above one limit where the answer is late, and above another in any case', () => {
    const unread = new Unread();
    unread.sent(watcherUnread + 1);
    expect([unread.isTooMuch(1e12), unread.ask(0)]).toEqual([false, true]);
    expect([watcherAnswer - 1, watcherAnswer].map((now) => unread.isTooMuch(now))).toEqual([false, true]);
    expect(unread.acknowledged()).toBe(true);
    unread.sent(watcherBurst);
    expect(unread.isTooMuch(0)).toBe(false);
    unread.sent(1);
    expect(unread.isTooMuch(0)).toBe(true);
  });

  it('does not count a snapshot that was not read yet', () => {
    const unread = new Unread();
    unread.allow(5 * watcherBurst);
    unread.sent(6 * watcherBurst);
    expect(unread.isTooMuch(0)).toBe(false);
    unread.ask(0);
    unread.acknowledged();
    unread.sent(watcherBurst + 1);
    expect(unread.isTooMuch(0)).toBe(true);
  });
});

describe('Offhook server-sent events: what waits for a client', () => {
  const { eventsUnread, eventsBurst, eventsWait } = ROUTE_LIMITS;

  it('is too much above one limit for so long, and above another at once, not counting what was asked for', () => {
    const backlog = new Backlog(100);
    const over = eventsUnread + 101;
    const first = [0, eventsWait - 1, eventsWait].map((now) => backlog.isTooMuch(over, now));
    expect(first).toEqual([false, false, true]);
    // Once it has been within the limit, the time begins anew.
    expect([backlog.isTooMuch(over - 1, eventsWait), backlog.isTooMuch(over, 2 * eventsWait)]).toEqual([false, false]);
    const burst = [eventsBurst + 100, eventsBurst + 101].map((waiting) => backlog.isTooMuch(waiting, 2 * eventsWait));
    expect(burst).toEqual([false, true]);
    backlog.allow(1);
    expect(backlog.isTooMuch(eventsBurst + 101, 2 * eventsWait)).toBe(false);
  });
});
