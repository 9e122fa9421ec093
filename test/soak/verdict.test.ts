import { describe, expect, it } from 'vitest';
import { AgedMap } from '../support/aged-map.ts';
import type { Sample } from './sample.ts';
import { flatness, isMet, table } from './verdict.ts';

/** 30 looks, each with so much memory and so many files as the function of its number says. */
const looks = (rss: (n: number) => number, files: (n: number) => number = () => 30): Sample[] =>
  Array.from({ length: 30 }, (_, n) => ({
    at: 5 * n,
    shim: { rss: rss(n), live: 40, files: files(n), sockets: 6, timers: 2 },
    workerd: { rss: 600, files: 3700 },
    pending: 0,
    calls: 200,
    transactions: 7000,
    cpu: { shim: n, workerd: n },
  }));

const missed = (samples: readonly Sample[]): string[] =>
  flatness(samples)
    .filter((line) => !isMet(line))
    .map(({ name }) => name);

describe('Offhook soak: memory and handles of the last third against the second', () => {
  it('takes what grows at first and then no more for flat', () => {
    expect(missed(looks((n) => Math.min(130, 60 + 7 * n)))).toEqual([]);
  });

  it('does not take what goes on growing for flat', () => {
    expect(missed(looks((n) => 100 + n))).toEqual(['shim, RSS after garbage collection, MiB']);
  });

  it('takes a single high look for none', () => {
    expect(missed(looks((n) => (n === 28 ? 300 : 100)))).toEqual([]);
  });

  it('finds handles that are not given back', () => {
    expect(
      missed(
        looks(
          () => 100,
          (n) => 30 + n,
        ),
      ),
    ).toEqual(['shim, open files']);
  });

  it('marks in the table what is not met', () => {
    const lines = table([
      { name: 'calls', last: 90, least: 100 },
      { name: 'wrong', last: 0, most: 0 },
    ]).split('\n');
    expect(lines[1]).toMatch(/^NOT MET +calls +90 +>= 100$/);
    expect(lines[2]).toMatch(/^ok +wrong +0 +<= 0$/);
  });
});

describe('Offhook soak: the telephones of a long load', () => {
  it('forget what was not used since they were last told to, and nothing else', () => {
    const map = new AgedMap<string, number>();
    map.set('used', 1).set('unused', 2);
    map.age();
    expect(map.get('used')).toBe(1);
    map.age();
    expect([map.get('used'), map.get('unused'), map.size]).toEqual([1, undefined, 1]);
  });
});
