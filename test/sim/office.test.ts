import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { office } from './office.ts';

const MINUTE = 60_000;

describe('Offhook the lamp never lies and never sticks', () => {
  it('shows a call from ringing to its end, each state once', () => {
    const o = office({ phones: [{ user: 'alice' }, { user: 'bob' }] });
    o.registerAll();
    o.network.advance(1000);
    o.act(0, (phone, now) => phone.call('sip:bob@example.com', now, { talk: 60_000, patience: 30_000 }));
    o.network.advance(30_000);
    expect([o.seen('alice'), o.seen('bob')]).toEqual(['talking talking', 'talking talking']);
    o.network.advance(MINUTE);
    expect(o.story('alice')).toEqual(['online idle', 'online calling', 'online talking', 'online terminating', 'online idle']);
    expect(o.story('bob')).toEqual(['online idle', 'online ringing', 'online talking', 'online terminating', 'online idle']);
  });

  it('FIG. 8: a phone that drops out of range in mid-call is offline-waiting until the other side gives up', () => {
    const o = office({ phones: [{ user: 'alice' }, { user: 'bob', expires: 60 }] });
    o.registerAll();
    o.network.advance(1000);
    o.act(0, (phone, now) => phone.call('sip:bob@example.com', now, { talk: 5 * MINUTE, patience: 30_000 }));
    o.network.advance(10_000);
    o.vanish(1);
    o.network.advance(MINUTE);
    expect(o.seen('bob')).toBe('offline-waiting talking');
    o.network.advance(5 * MINUTE);
    expect([o.seen('alice'), o.seen('bob')]).toEqual(['available idle', 'offline idle']);
  });

  it('both phones of a call vanish: the hard cap ends it', () => {
    const o = office({
      phones: [
        { user: 'alice', expires: 60 },
        { user: 'bob', expires: 60 },
      ],
    });
    o.registerAll();
    o.network.advance(1000);
    o.act(0, (phone, now) => phone.call('sip:bob@example.com', now, { talk: 24 * 60 * MINUTE, patience: 30_000 }));
    o.network.advance(10_000);
    o.vanish(0);
    o.vanish(1);
    o.network.advance(4 * 60 * MINUTE - 20_000);
    expect([o.seen('alice'), o.seen('bob')]).toEqual(['offline-waiting talking', 'offline-waiting talking']);
    o.network.advance(30_000);
    expect([o.seen('alice'), o.seen('bob')]).toEqual(['offline idle', 'offline idle']);
  });

  it.each([0.05, 0.2])('is right in the end whatever is lost, late or doubled on the way (loss %f)', (loss) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), (seed) => {
        const users = ['alice', 'bob', 'carol', 'dave'];
        const answers = [300, 2000, 'busy', 'never'] as const;
        const phones = users.map((user, i) => ({ user, expires: 600, answers: answers[i] ?? 300, delayedOffer: i === 1 }));
        const o = office({ seed, loss, doubling: 0.1, workerLoss: loss, phones });
        o.registerAll();
        o.network.advance(40_000);
        for (let i = 0; i < 12; i++) {
          const [caller, callee] = [Math.floor(o.network.random() * 4), Math.floor(o.network.random() * 4)];
          const talk = 500 + Math.floor(o.network.random() * 40_000);
          if (caller !== callee) {
            o.act(caller, (phone, now) => phone.call(`sip:${users[callee]}@example.com`, now, { talk, patience: 20_000 }));
          }
          o.network.advance(Math.floor(o.network.random() * 15_000));
        }
        o.network.conditions.loss = 0;
        o.way.workerLoss = 0;
        o.network.advance(15 * MINUTE);
        expect(users.map((u) => o.seen(u))).toEqual(users.map(() => 'available idle'));
        expect(o.shim.defects).toEqual([]);
        expect([o.shim.element.presence.tracker.calls.size, o.shim.element.presence.outbox.pending]).toEqual([0, 0]);
        expect(o.shim.disk.dialogs.size).toBe(0);
        expect(o.shim.disk.outbox.size).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('a call that rang when the shim was killed stops ringing when the caller gives up', () => {
    const o = office({ phones: [{ user: 'alice' }, { user: 'bob', answers: 'never' }] });
    o.registerAll();
    o.network.advance(1000);
    o.act(0, (phone, now) => phone.call('sip:bob@example.com', now, { talk: MINUTE, patience: 10_000 }));
    o.network.advance(5000);
    o.restart(1000);
    o.network.advance(3000);
    expect([o.seen('alice'), o.seen('bob')]).toEqual(['calling calling', 'ringing ringing']);
    o.network.advance(2000);
    expect([o.seen('alice'), o.seen('bob')]).toEqual(['available idle', 'available idle']);
    expect(o.phones.map((phone) => phone.calls.map((call) => call.state))).toEqual([['over'], ['over']]);
  });

  it('is right in the end though the shim is killed at any moment', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.integer({ min: 0, max: 130_000 }),
        fc.integer({ min: 10, max: 20_000 }),
        (seed, when, down) => {
          const o = office({
            seed,
            workerLoss: 0.3,
            phones: [
              { user: 'alice', expires: 120 },
              { user: 'bob', expires: 120, answers: 3000 },
            ],
          });
          o.registerAll();
          o.network.advance(1000);
          o.act(0, (phone, now) => phone.call('sip:bob@example.com', now, { talk: 120_000, patience: 30_000 }));
          o.network.advance(when);
          o.restart(down);
          o.network.advance(20_000);
          const up = o.phones.map((phone) => phone.calls.some((c) => c.state === 'up'));
          const shown = ['alice', 'bob'].map((user) => o.seen(user).startsWith('talking'));
          // Not where the BYE may be on its way at this very moment, nor where the Worker has failed so often that the outbox still waits.
          const told = o.shim.element.presence.outbox.pending === 0;
          if (told && up[0] === up[1] && when + down + 20_000 < 118_000) expect(shown).toEqual(up);
          o.network.advance(15 * MINUTE);
          expect([o.seen('alice'), o.seen('bob')]).toEqual(['available idle', 'available idle']);
          expect(o.shim.element.presence.tracker.calls.size).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
  });
});
