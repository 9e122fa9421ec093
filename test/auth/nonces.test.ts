import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Nonces } from '../../shim/core/auth/nonces.ts';
import { createHashes } from '../../shim/io/hashes.ts';
import { HASHES } from '../support/digest.ts';

const T0 = Date.UTC(2026, 10, 22);
const LIFE = 300_000;
const hex = (count: number) => count.toString(16).padStart(8, '0');

function nonces(maxNonces = 100, mac = HASHES.mac) {
  let count = 0;
  return new Nonces({ nonceLifetime: LIFE, maxNonces }, mac, () => `u${count++}`);
}

describe('RFC 7616 5.4 and 5.12 nonces', () => {
  it('are good for their lifetime, then stale', () => {
    const n = nonces();
    const nonce = n.make(T0);
    expect(n.use(nonce, hex(1), T0 + LIFE - 1)).toBe('good');
    expect(n.use(nonce, hex(2), T0 + LIFE)).toBe('stale');
  });

  it('are never the same, even at one time', () => {
    const n = nonces();
    expect(n.make(T0)).not.toBe(n.make(T0));
  });

  it.each([
    ['of another process', () => nonces(1, createHashes(Buffer.alloc(32, 8)).mac).make(T0)],
    ['made up', () => 'abc'],
    ['empty', () => ''],
    [
      'with a later time written in',
      () =>
        nonces()
          .make(T0)
          .replace(/^[^.]*/, (T0 + LIFE).toString(36)),
    ],
  ])('%s are not ours', (_, make) => {
    expect(nonces().use(make(), hex(1), T0)).toBe('foreign');
  });

  it('of a time to come, when the clock was set back, are stale', () => {
    const n = nonces();
    expect(n.use(n.make(T0 + 1), hex(1), T0)).toBe('stale');
  });

  it('take each count once, and only rising ones', () => {
    const n = nonces();
    const nonce = n.make(T0);
    expect([1, 1, 2, 5, 4, 0, 6].map((count) => n.use(nonce, hex(count), T0))).toEqual([
      'good',
      'stale',
      'good',
      'good',
      'stale',
      'stale',
      'good',
    ]);
    expect(n.use(n.make(T0), hex(0), T0)).toBe('stale');
  });

  it('are kept up to the limit, and those that have expired not at all', () => {
    const n = nonces(3);
    for (let i = 0; i < 10; i++) n.use(n.make(T0 + i), hex(1), T0 + i);
    expect(n.size).toBe(3);
    for (let i = 0; i < 3; i++) n.use(n.make(T0 + 2 * LIFE), hex(1), T0 + 2 * LIFE);
    expect(n.size).toBeLessThanOrEqual(3);
  });

  it('no use is ever taken twice, whatever is used in between and however small the table', () => {
    const step = fc.record({ pick: fc.nat(), count: fc.integer({ min: 1, max: 4 }), pass: fc.nat(LIFE / 4), make: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (steps, max) => {
        const n = nonces(max);
        const made = [n.make(T0)];
        const taken = new Set<string>();
        let now = T0;
        for (const { pick, count, pass, make } of steps) {
          now += pass;
          if (make) made.push(n.make(now));
          const nonce = made[pick % made.length] as string;
          const use = `${nonce} ${count}`;
          if (n.use(nonce, hex(count), now) !== 'good') continue;
          expect(taken.has(use)).toBe(false);
          taken.add(use);
        }
      }),
    );
  });
});
