import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deadlines } from '../../shim/core/deadlines.ts';

describe('Offhook deadlines', () => {
  it('come out in the order of their times, and those of one time in the order in which they were set', () => {
    const deadlines = new Deadlines();
    deadlines.set('late', 30);
    deadlines.set('first', 10);
    deadlines.set('second', 10);
    deadlines.set('third', 10);
    expect(deadlines.next()).toBe(10);
    expect(deadlines.expired(9)).toEqual([]);
    expect(deadlines.expired(10)).toEqual(['first', 'second', 'third']);
    expect(deadlines.take(29)).toBeUndefined();
    expect(deadlines.take(30)).toBe('late');
    expect(deadlines.next()).toBeUndefined();
  });

  it('hold one time for a key, the last one set, and none when it is cleared', () => {
    const deadlines = new Deadlines();
    deadlines.set('a', 10);
    deadlines.set('a', 20);
    expect(deadlines.get('a')).toBe(20);
    expect(deadlines.expired(15)).toEqual([]);
    expect(deadlines.clear('a')).toBe(true);
    expect(deadlines.clear('a')).toBe(false);
    expect(deadlines.has('a')).toBe(false);
    expect(deadlines.expired(99)).toEqual([]);
  });

  it('do not grow by being moved again and again', () => {
    const deadlines = new Deadlines<number>();
    for (let i = 0; i < 100_000; i++) deadlines.set(i % 10, i);
    expect(deadlines.size).toBe(10);
  });

  it('behave as a sorted list does, whatever is set, moved, cleared and taken', () => {
    const operation = fc.oneof(
      fc.record({ do: fc.constant('set' as const), key: fc.nat(20), at: fc.nat(100) }),
      fc.record({ do: fc.constant('clear' as const), key: fc.nat(20), at: fc.constant(0) }),
      fc.record({ do: fc.constant('expired' as const), key: fc.constant(0), at: fc.nat(100) }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const deadlines = new Deadlines<number>();
        let model: { key: number; at: number }[] = [];
        for (const { do: what, key, at } of operations) {
          if (what === 'expired') {
            const due = model.filter((entry) => entry.at <= at).sort((a, b) => a.at - b.at);
            model = model.filter((entry) => entry.at > at);
            expect(deadlines.expired(at)).toEqual(due.map((entry) => entry.key));
            continue;
          }
          model = model.filter((entry) => entry.key !== key);
          if (what === 'set') {
            deadlines.set(key, at);
            model.push({ key, at });
          } else {
            deadlines.clear(key);
          }
          expect(deadlines.size).toBe(model.length);
          expect(deadlines.next()).toBe(model.length === 0 ? undefined : Math.min(...model.map((entry) => entry.at)));
        }
      }),
      { numRuns: 300 },
    );
  });
});
