import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualPbx } from '../support/virtual-pbx.ts';
import { type OfficeSettings, office } from './office.ts';

const MINUTE = 60_000;
const PBX = { address: '10.0.9.9', port: 5060 };

/** An office whose shim stands before a PBX that makes two calls of each. */
function behind(settings: OfficeSettings, { path = true, grants = 3600 } = {}) {
  const upstream = { transport: 'udp' as const, host: PBX.address, port: PBX.port };
  const o = office({
    ...settings,
    element: (s) => ({ ...s, upstream, placing: { ...s.placing, mode: 'edge', contactRewrite: !path } }),
  });
  const pbx = new VirtualPbx({ domain: 'example.com', address: PBX, path, grants });
  const at = o.network.attach(pbx, PBX);
  return Object.assign(o, { pbx, vanishPbx: () => at.detach() });
}

const pair = [{ user: 'alice' }, { user: 'bob' }] as const;

describe.each([
  ['with Path', true],
  ['without Path', false],
])('FIG. 2, RFC 3327 a session control server before a PBX %s', (_, path) => {
  it('shows both users of a call, each by his own leg', () => {
    const o = behind({ phones: pair }, { path });
    o.registerAll();
    o.network.advance(1000);
    expect(o.pbx.registered.size).toBe(2);
    o.act(0, (phone, now) => phone.call('sip:bob@example.com', now, { talk: 60_000, patience: 30_000 }));
    o.network.advance(30_000);
    expect([o.seen('alice'), o.seen('bob')]).toEqual(['talking talking', 'talking talking']);
    expect(o.shim.element.presence.tracker.calls.size).toBe(2);
    o.network.advance(MINUTE);
    expect(o.story('alice')).toEqual(['online idle', 'online calling', 'online talking', 'online terminating', 'online idle']);
    expect(o.story('bob')).toEqual(['online idle', 'online ringing', 'online talking', 'online terminating', 'online idle']);
    expect(o.shim.defects).toEqual([]);
  });

  it('calls reach their telephones after a kill of the shim, and calls that stand are ended by it as any', () => {
    const o = behind({ phones: pair }, { path });
    o.registerAll();
    o.network.advance(1000);
    o.restart(2000);
    o.act(0, (phone, now) => phone.call('sip:bob@example.com', now, { talk: 60_000, patience: 30_000 }));
    o.network.advance(10_000);
    expect([o.seen('alice'), o.seen('bob')]).toEqual(['talking talking', 'talking talking']);
    o.restart(2000);
    o.network.advance(10_000);
    expect([o.seen('alice'), o.seen('bob')]).toEqual(['talking talking', 'talking talking']);
    o.network.advance(2 * MINUTE);
    expect([o.seen('alice'), o.seen('bob')]).toEqual(['available idle', 'available idle']);
  });

  it('the time that the PBX grants is what counts: a telephone that falls silent is off-line when that is over', () => {
    const o = behind({ phones: [{ user: 'alice', expires: 3600 }] }, { path, grants: 90 });
    o.registerAll();
    o.network.advance(1000);
    expect(o.seen('alice')).toBe('available idle');
    o.vanish(0);
    o.network.advance(80_000);
    expect(o.seen('alice')).toBe('available idle');
    o.network.advance(10_000);
    expect(o.seen('alice')).toBe('offline idle');
  });

  it('a PBX that is gone ends no registration before its time', () => {
    const o = behind({ phones: [{ user: 'alice', expires: 300 }] }, { path, grants: 300 });
    o.registerAll();
    o.network.advance(1000);
    o.vanishPbx();
    o.network.advance(4 * MINUTE);
    expect(o.seen('alice')).toBe('available idle');
    o.network.advance(MINUTE + 1000);
    expect(o.seen('alice')).toBe('offline idle');
  });

  it.each([0.05, 0.2])(
    'is right in the end whatever is lost, late or doubled on the way (loss %f)',
    (loss) => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 1e9 }), (seed) => {
          const answers = [300, 2000, 'busy', 'never'] as const;
          const users = ['alice', 'bob', 'carol', 'dave'];
          const phones = users.map((user, i) => ({ user, expires: 600, answers: answers[i] ?? 300 }));
          const o = behind({ seed, loss, doubling: 0.1, workerLoss: loss, phones }, { path, grants: 600 });
          o.registerAll();
          o.network.advance(40_000);
          for (let i = 0; i < 8; i++) {
            const callee = users[Math.floor(o.network.random() * 4)];
            o.act(i % 4, (phone, now) => phone.call(`sip:${callee}@example.com`, now, { talk: 20_000, patience: 15_000 }));
            o.network.advance(8000);
            if (i === 4) o.restart(3000);
          }
          // Longer than any transaction, and than the ringing of one who never answers to a caller whose CANCEL was lost.
          o.network.advance(10 * MINUTE);
          const talking = o.phones.flatMap((phone) => phone.calls).filter((call) => call.state === 'up');
          for (const user of users) expect([seed, user, o.seen(user)]).toEqual([seed, user, 'available idle']);
          expect([o.shim.defects, talking.length]).toEqual([[], 0]);
        }),
        { numRuns: 6 },
      );
    },
    60_000,
  );
});
