import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Turns } from '../../shim/core/guard/turns.ts';
import { flow } from '../support/element.ts';

const STRANGER = flow(9);
const FRIEND = flow(2);

/** Says `count` messages of a stranger; what became of each. */
const flood = (turns: Turns, count: number, from = STRANGER) => Array.from({ length: count }, (_, n) => turns.take(`${n}`, from));

describe('Offhook guard: turns', () => {
  it('looks at a few messages at once, and lets the rest wait in their order', () => {
    const turns = new Turns(100);
    expect(turns.idle).toBe(true);
    const fates = flood(turns, 20);
    expect(fates).toEqual([...Array(8).fill('now'), ...Array(12).fill('waits')]);
    expect([turns.size, turns.idle]).toEqual([12, false]);
    expect(turns.next().map(({ text }) => text)).toEqual(['8', '9', '10', '11', '12', '13', '14', '15']);
    expect(turns.take('20', STRANGER)).toBe('waits');
    expect(turns.next().map(({ text }) => text)).toEqual(['16', '17', '18', '19', '20']);
    expect([turns.next(), turns.idle]).toEqual([[], true]);
  });

  it('refuses the newest where too many wait', () => {
    const turns = new Turns(5);
    expect(flood(turns, 15).slice(8)).toEqual([...Array(5).fill('waits'), 'full', 'full']);
    turns.next();
    expect(turns.take('more', STRANGER)).toBe('now');
  });

  it('never lets wait who is known, but behind what came from him before', () => {
    const turns = new Turns(100);
    flood(turns, 10);
    expect([turns.follow('a', FRIEND), turns.follow('b', STRANGER), turns.size]).toEqual(['now', 'waits', 3]);
    expect(turns.next().map(({ text }) => text)).toEqual(['8', '9', 'b']);
    expect(turns.follow('c', STRANGER)).toBe('now');
  });

  it('keeps the order of each flow and loses nothing below its limit, whatever comes', () => {
    const sent = fc.record({ known: fc.boolean(), from: fc.integer({ min: 1, max: 4 }), turn: fc.nat(15).map((n) => n === 0) });
    fc.assert(
      fc.property(fc.array(sent, { maxLength: 200 }), (messages) => {
        const turns = new Turns(1000);
        const seen: string[] = [];
        const look = () => seen.push(...turns.next().map(({ text }) => text));
        messages.forEach(({ known, from, turn }, n) => {
          const text = `${from} ${n}`;
          if ((known ? turns.follow(text, flow(from)) : turns.take(text, flow(from))) === 'now') seen.push(text);
          if (turn) look();
        });
        while (turns.size > 0) look();
        expect(seen).toHaveLength(messages.length);
        for (const from of [1, 2, 3, 4]) {
          const own = seen.filter((text) => text.startsWith(`${from} `)).map((text) => Number(text.slice(2)));
          expect(own).toEqual(own.toSorted((a, b) => a - b));
        }
      }),
    );
  });
});
