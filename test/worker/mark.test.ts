import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endsSnapshot, markIn, snapshotFrame, typeOf, withCursor } from '../../worker/objects/frames.ts';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import { MARK_LENGTH, markOf, NOTHING_YET, NOWHERE, placeOf } from '../../worker/objects/mark.ts';
import { Unread } from '../../worker/objects/unread.ts';

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
  const { watcherAsk, watcherUnread } = OBJECT_LIMITS;

  it('is asked for once at a time; the answer stands for what was sent before the question', () => {
    const unread = new Unread();
    unread.sent(watcherAsk - 1);
    expect(unread.ask()).toBe(false);
    unread.sent(1);
    expect([unread.ask(), unread.ask()]).toEqual([true, false]);
    unread.sent(10);
    expect([unread.acknowledged(), unread.size, unread.acknowledged(), unread.size]).toEqual([true, 10, false, 10]);
  });

  it('is too much above the limit, not counting a snapshot that was not read yet', () => {
    const unread = new Unread();
    unread.allow(5 * watcherUnread);
    unread.sent(6 * watcherUnread);
    expect(unread.tooMuch).toBe(false);
    unread.sent(1);
    expect(unread.tooMuch).toBe(true);
    unread.ask();
    unread.acknowledged();
    unread.sent(watcherUnread + 1);
    expect(unread.tooMuch).toBe(true);
  });
});
