import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callMessages, HOUR, type Mirrored, mirrored, register } from './mirrored.ts';

/** Which messages of a call are mirrored, how often, and how far each is from its place. */
const fates = (length: number) =>
  fc.array(fc.record({ copies: fc.constantFrom(0, 1, 1, 1, 2), shift: fc.integer({ min: -6, max: 6 }) }), {
    minLength: length,
    maxLength: length,
  });

const COUNT = 12;
const whole = (): Mirrored[] => {
  const { invite, ring, ok, ack, bye, byeOk } = callMessages();
  return [invite, ring, ok, ack, bye, byeOk].flat();
};

/** The messages as they come, each with the place in time that it came from. */
function mangled(messages: readonly Mirrored[], how: readonly { copies: number; shift: number }[]) {
  return messages
    .flatMap((one, i) =>
      Array.from({ length: how[i]?.copies ?? 1 }, (_, n) => ({ one, seen: i, key: i + (n + 1) * (how[i]?.shift ?? 0) })),
    )
    .sort((a, b) => a.key - b.key);
}

const users = ['alice', 'bob'];

describe('Offhook a mirrored call in any order, with losses and copies', () => {
  it('ends for both users within the cap of mirrored calls, and nothing of it stays', () => {
    fc.assert(
      fc.property(fates(COUNT), fc.boolean(), (how, onAck) => {
        const shim = mirrored({}, { tracker: { talking: onAck ? 'on-ack' : 'auto' } });
        for (const user of users) shim.show(...register(user, 80_000));
        for (const { one } of mangled(whole(), how)) shim.show(one);
        shim.wait(2 * HOUR);
        expect(users.map(shim.callsOf)).toEqual([[], []]);
        expect(shim.element.presence.tracker.calls.size).toBe(0);
      }),
      { numRuns: 1000 },
    );
  }, 60_000);

  it('ends within 40 s where no BYE and no answer to the INVITE was lost at both places, whatever the order', () => {
    fc.assert(
      fc.property(fates(COUNT), (how) => {
        const shim = mirrored();
        for (const user of users) shim.show(...register(user, 80_000));
        // Each message is seen at one of its places at least.
        const kept = how.map((fate, i) =>
          i % 2 === 1 && how[i - 1]?.copies === 0 ? { ...fate, copies: Math.max(1, fate.copies) } : fate,
        );
        for (const { one } of mangled(whole(), kept)) shim.show(one);
        shim.wait(40_000);
        expect(users.map(shim.callsOf)).toEqual([[], []]);
      }),
      { numRuns: 1000 },
    );
  }, 60_000);

  it('is told as it was where the order is put right within the window: each state of each user once', () => {
    fc.assert(
      fc.property(fates(COUNT), (how) => {
        const shim = mirrored({ reorder: 200 });
        for (const user of users) for (const one of register(user, 80_000)) shim.observe(one);
        shim.wait(200);
        const kept = how.map((fate) => ({ ...fate, copies: Math.max(1, fate.copies) }));
        for (const { one, seen } of mangled(whole(), kept)) shim.observe(one, shim.at.now + seen);
        const told = shim.wait(200);
        for (const user of users) {
          expect(told.filter((one) => one.startsWith(user))).toEqual(
            ['early', 'talking', 'terminating', 'idle'].map((s) => `${user} ${s}`),
          );
        }
      }),
      { numRuns: 300 },
    );
  }, 60_000);
});
