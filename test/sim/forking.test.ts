import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { office } from './office.ts';

const MINUTE = 60_000;
type Answers = 'busy' | 'never' | number;

/** Alice, and Bob with one telephone for each of these. */
function several(
  answers: readonly Answers[],
  conditions: { seed?: number; loss?: number; doubling?: number; workerLoss?: number } = {},
) {
  const phones = [{ user: 'alice' }, ...answers.map((one) => ({ user: 'bob', answers: one }))];
  const o = office({ ...conditions, phones });
  o.registerAll();
  o.network.advance(40_000);
  return o;
}

describe('RFC 3261 16 several telephones of one user on a network', () => {
  it('ring, one answers, the others stop, and the user is shown in one call', () => {
    const o = several(['never', 3000, 'never']);
    o.act(0, (phone, now) => phone.call('sip:bob@example.com', now, { talk: 20_000, patience: 30_000 }));
    o.network.advance(2000);
    expect(o.phones.slice(1).map((phone) => phone.calls[0]?.state)).toEqual(['early', 'early', 'early']);
    expect(o.seen('bob')).toBe('ringing ringing');
    o.network.advance(2000);
    expect(o.phones.slice(1).map((phone) => phone.calls[0]?.state)).toEqual(['over', 'up', 'over']);
    expect(o.seen('bob')).toBe('talking talking');
    o.network.advance(MINUTE);
    expect(o.story('bob').filter((line) => line !== 'online idle')).toEqual([
      'online ringing',
      'online talking',
      'online terminating',
    ]);
    expect(o.seen('bob')).toBe('available idle');
  });

  it('ring on when one declines, and one that has left the network keeps nobody from ringing', () => {
    const o = several(['busy', 'never', 3000]);
    o.vanish(2);
    o.act(0, (phone, now) => phone.call('sip:bob@example.com', now, { talk: 20_000, patience: 30_000 }));
    o.network.advance(5000);
    expect([o.seen('alice'), o.seen('bob')]).toEqual(['talking talking', 'talking talking']);
    o.network.advance(2 * MINUTE);
    expect([o.seen('alice'), o.seen('bob')]).toEqual(['available idle', 'available idle']);
  });

  it('answer at the same time: the caller keeps one and hangs up the others, and is in one call', () => {
    const o = several([1000, 1000, 1000]);
    o.act(0, (phone, now) => phone.call('sip:bob@example.com', now, { talk: 30_000, patience: 30_000 }));
    o.network.advance(10_000);
    expect(o.phones.slice(1).filter((phone) => phone.calls.some((call) => call.state === 'up'))).toHaveLength(1);
    expect([o.seen('alice'), o.seen('bob')]).toEqual(['talking talking', 'talking talking']);
    o.network.advance(2 * MINUTE);
    expect([o.seen('alice'), o.seen('bob')]).toEqual(['available idle', 'available idle']);
  });

  it.each([0.05, 0.2])('are right in the end whatever is lost, late or doubled on the way (loss %f)', (loss) => {
    const answers = fc.array(fc.constantFrom<Answers>('busy', 'never', 500, 3000, 3050), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), answers, (seed, list) => {
        const o = several(list, { seed, loss, doubling: 0.1, workerLoss: loss });
        for (let i = 0; i < 3; i++) {
          const [talk, patience] = [
            500 + Math.floor(o.network.random() * 30_000),
            2000 + Math.floor(o.network.random() * 10_000),
          ];
          o.act(0, (phone, now) => phone.call('sip:bob@example.com', now, { talk, patience }));
          o.network.advance(Math.floor(o.network.random() * 20_000));
        }
        o.network.conditions.loss = 0;
        o.way.workerLoss = 0;
        o.network.advance(15 * MINUTE);
        expect([o.seen('alice'), o.seen('bob')]).toEqual(['available idle', 'available idle']);
        expect(o.phones.flatMap((phone) => phone.calls.filter((call) => call.state !== 'over'))).toEqual([]);
        const { element, defects, disk } = o.shim;
        expect([defects, element.presence.tracker.calls.size, disk.dialogs.size]).toEqual([[], 0, 0]);
        expect(element.contexts).toEqual([0, 0]);
      }),
      { numRuns: 60 },
    );
  });

  it('stop ringing when the caller gives up after the shim was killed', () => {
    const o = several(['never', 'never', 'never']);
    o.act(0, (phone, now) => phone.call('sip:bob@example.com', now, { talk: 20_000, patience: 10_000 }));
    o.network.advance(3000);
    o.restart(500);
    expect(o.phones.slice(1).map((phone) => phone.calls[0]?.state)).toEqual(['early', 'early', 'early']);
    o.network.advance(8000);
    expect(o.phones.map((phone) => phone.calls[0]?.state)).toEqual(['over', 'over', 'over', 'over']);
    o.network.advance(5 * MINUTE);
    expect([o.seen('alice'), o.seen('bob')]).toEqual(['available idle', 'available idle']);
  });
});
