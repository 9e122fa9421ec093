import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seeded } from '../../support/mutate.ts';
import { EVENTS, playScene } from './scene.ts';

/** Scenes here; `npm run campaign -- --events 10000000` plays more, and another seed others. */
const SCENES = 500;

describe('Offhook campaign: one user at several sites, with doubling, reordering, loss, kills, evictions and wrong clocks', () => {
  it(`keeps every invariant, and ends in the truth, over ${SCENES * EVENTS} events`, { timeout: 120_000 }, () => {
    const counts = new Set<string>();
    for (let n = 0; n < SCENES; n++) {
      const { wrong, counts: seen } = playScene(seeded(8 + n));
      expect(wrong, `npm run campaign -- --events ${EVENTS} --seed ${8 + n}`).toEqual([]);
      for (const what of seen.keys()) counts.add(what);
    }
    // All of it was there.
    for (const what of [
      ...[
        'doubled',
        'delivered out of order',
        'lost',
        'answer lost',
        'site killed',
        'evicted',
        'alarm',
        'alarm late',
        'long pause',
      ],
      ...['override set', 'override taken back', 'verdict gap', 'verdict stale', 'verdict duplicate', 'verdict accepted'],
      ...['entry override', 'entry update', 'entry deadline override-expired', 'entry deadline implied-online-expired'],
      ...['entry deadline call-expired', 'entry deadline terminal-expired', 'conflict offline-while-talking'],
      ...['conflict talking-while-offline', 'conflict terminating-while-waiting', 'conflict online-while-waiting'],
    ]) {
      expect(counts).toContain(what);
    }
  });

  it('plays the same scene from the same seed', () => {
    expect(playScene(seeded(7))).toEqual(playScene(seeded(7)));
  });

  it('holds for histories that a shrinking search draws, too', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 9_999 }), { maxLength: 400 }), fc.integer(), (choices, seed) => {
        const rest = seeded(seed);
        const next = choices.values();
        const chance = () => (next.next().value ?? Math.floor(rest() * 10_000)) / 10_000;
        expect(playScene(chance, 60).wrong).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});
