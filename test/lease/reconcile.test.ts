import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DURATION, LeaseRig, LeaseWorker, SITE } from './rig.ts';

const ALICE = 'sip:alice@example.com';
const BOB = 'sip:bob@example.com';
const many = (count: number) => Array.from({ length: count }, (_, i) => `sip:u${i}@example.com`);

/** A rig that has run for a moment, with these users on-line. */
function rig(users: readonly string[], ...[site, settings]: ConstructorParameters<typeof LeaseRig>): LeaseRig {
  const made = new LeaseRig(site, settings);
  for (const user of users) made.happens(user, 'online');
  made.pass(100);
  made.sent.length = 0;
  return made;
}

describe('Offhook leases: reconciliation', () => {
  it('of a first start costs one page and a last word, and keeps the site in touch by heartbeats', () => {
    const r = new LeaseRig();
    r.pass(100);
    expect(r.sent).toEqual(['heartbeat', 'page 0', 'done']);
    r.pass(DURATION);
    expect(r.sent.slice(3)).toEqual(['heartbeat', 'heartbeat', 'heartbeat']);
  });

  it('after a restart sends digests alone, where nothing has changed', () => {
    const r = rig(many(500));
    r.restart();
    r.pass(100);
    expect(r.sent.filter((what) => what === 'snapshot')).toEqual([]);
    expect(r.sent).toEqual(['heartbeat', 'page 500', 'done']);
    expect(r.site.lease).toMatchObject({ epoch: r.epoch, reconciled: true, staleSince: null });
  });

  it('tells by snapshots who differs, and ends what the new incarnation does not claim, as lost', () => {
    const r = rig([...many(20), ALICE, BOB]);
    r.happens(ALICE, 'talking', 'a1');
    r.pass(100);
    expect(r.site.read(ALICE, r.now)).toBe('talking');
    r.sent.length = 0;
    r.happens(ALICE, 'idle', 'a1', true);
    r.happens(BOB, 'offline', 'c1', true);
    r.restart();
    r.pass(100);
    expect(r.sent).toEqual(['heartbeat', 'page 21', 'snapshot', 'snapshot', 'done']);
    expect([r.site.read(ALICE, r.now), r.site.read(BOB, r.now)]).toEqual(['available', 'offline']);
    const ends = r.site.worker.history.filter(({ user, cause }) => user === ALICE && cause.by === 'update').at(-1);
    expect(ends).toMatchObject({ status: 'available', reason: { cause: 'lost' } });
  });

  it('goes on after it from what is the same: how a call ended is told in the words of who saw it', () => {
    const r = rig([ALICE]);
    r.happens(ALICE, 'talking', 'a1');
    r.pass(100);
    r.restart();
    r.pass(100);
    r.sent.length = 0;
    r.happens(ALICE, 'idle', 'a1');
    r.pass(100);
    expect(r.sent).toEqual(['idle']);
    expect(r.site.worker.history.at(-1)).toMatchObject({ reason: { cause: 'bye' } });
  });

  it('is taken back by `leave`: everybody ends as stopped, and what happens then is not told any more', () => {
    const r = rig([ALICE, BOB]);
    r.happens(BOB, 'talking', 'b1');
    r.pass(100);
    r.outbox.leave([ALICE, BOB], r.now);
    r.happens(ALICE, 'talking', 'a1');
    r.pass(100);
    expect([r.site.read(ALICE, r.now), r.site.read(BOB, r.now)]).toEqual(['offline', 'offline']);
    expect(r.site.worker.history.at(-1)).toMatchObject({ reason: { cause: 'stopped' } });
    r.restart();
    r.pass(100);
    expect([r.site.read(ALICE, r.now), r.site.read(BOB, r.now)]).toEqual(['talking', 'talking']);
  });

  it('leaves everybody stale from the end of the lease until it is done, also who is told of before', () => {
    const r = rig([ALICE, BOB]);
    r.cut = true;
    r.pass(DURATION + 1000);
    expect([r.site.read(ALICE, r.now), r.site.read(BOB, r.now)]).toEqual(['available stale', 'available stale']);
    r.happens(ALICE, 'talking');
    r.cut = false;
    const { lease } = r.site.post(SITE, r.outbox.epoch, [], r.now);
    expect([lease.state, r.site.read(ALICE, r.now)]).toEqual(['reconcile', 'available stale']);
    r.pass(DURATION);
    expect([r.site.read(ALICE, r.now), r.site.read(BOB, r.now)]).toEqual(['talking', 'available']);
    expect(r.sent.filter((what) => what === 'snapshot')).toEqual([]);
  });

  it('within the lease of the predecessor nobody becomes stale', () => {
    const r = rig([ALICE]);
    r.pass(DURATION / 2);
    r.restart();
    for (let i = 0; i < 20; i++) {
      r.pass(DURATION / 10);
      expect(r.site.read(ALICE, r.now)).toBe('available');
    }
  });

  it('goes by pages, and asks for a page again where more differ than are named at once', () => {
    const site = new LeaseWorker();
    site.named = 7;
    const r = rig(many(100), site, { pageUsers: 30 });
    for (const user of many(40)) r.happens(user, 'talking', 'x', true);
    r.restart();
    r.pass(2000);
    for (const user of many(100).slice(40)) expect(site.read(user, r.now)).toBe('available');
    for (const user of many(40)) expect(site.read(user, r.now)).toBe('talking');
    expect(r.sent.filter((what) => what === 'snapshot')).toHaveLength(40);
    expect(r.sent.filter((what) => what.startsWith('page')).length).toBeGreaterThan(4);
    expect(r.sent.at(-1)).toBe('done');
  });

  it('ends also where more users than are named at once come back while it goes on, to a shim that had lost its disk', () => {
    const site = new LeaseWorker();
    site.named = 7;
    const r = rig(many(40), site);
    r.truth.clear();
    r.restart();
    const { reconcile } = site;
    let first = true;
    site.reconcile = (body, now) => {
      const answer = reconcile.call(site, body, now);
      if (first) for (const user of many(30)) r.happens(user, 'online');
      first = false;
      return answer;
    };
    r.pass(2000);
    expect(r.sent.at(-1)).toBe('done');
    for (const user of many(30)) expect(site.read(user, r.now)).toBe('available');
    for (const user of many(40).slice(30)) expect(site.read(user, r.now)).toBe('offline');
  });

  it('is done again after two minutes, and then each hour, to find what went wrong in silence', () => {
    const r = rig([ALICE]);
    r.happens(ALICE, 'talking', 'ghost', true);
    r.pass(119_000);
    expect(r.site.read(ALICE, r.now)).toBe('available');
    r.pass(2000);
    expect(r.site.read(ALICE, r.now)).toBe('talking');
    r.happens(ALICE, 'idle', 'ghost', true);
    r.pass(3_601_000);
    expect(r.site.read(ALICE, r.now)).toBe('available');
  });

  it('makes way for a later incarnation, and goes on as a still later one where it is not alone', () => {
    const r = rig([ALICE]);
    expect(r.site.post(SITE, r.epoch + 5000, [], r.now).lease).toMatchObject({ state: 'reconcile' });
    r.pass(15_000);
    expect(r.events).toContainEqual({ type: 'superseded', epoch: r.epoch + 5001 });
    r.pass(120_000);
    expect(r.site.lease).toMatchObject({ epoch: r.epoch + 5001, reconciled: true, staleSince: null });
    expect(r.site.read(ALICE, r.now)).toBe('available');
  });

  it('tells everybody by snapshots where the Worker cannot compare', () => {
    const r = rig(many(30));
    r.restart();
    const site = r.site as { reconcile: unknown };
    r.lease.spoken({ state: 'reconcile', duration: DURATION, epoch: r.epoch, round: 1 }, r.now);
    expect(r.lease.take(r.now)).toMatchObject({ kind: 'page' });
    r.lease.fail({ reason: 'misdirected', status: 404 }, r.now);
    site.reconcile = () => {
      throw new Error('asked again');
    };
    r.pass(60_000);
    expect(r.sent.filter((what) => what === 'snapshot')).toHaveLength(30);
  });

  it('ends with the truth, and in touch, whatever happened untold, was cut off or killed', () => {
    const step = fc.record({
      user: fc.integer({ min: 0, max: 4 }),
      what: fc.constantFrom('online', 'offline', 'talking', 'idle', 'restart', 'cut', 'mend'),
      untold: fc.boolean(),
      pass: fc.integer({ min: 0, max: 20_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const r = new LeaseRig();
        for (const { user, what, untold, pass } of steps) {
          if (what === 'restart') r.restart();
          else if (what === 'cut' || what === 'mend') r.cut = what === 'cut';
          else r.happens(`sip:u${user}@example.com`, what, 'c1', untold);
          r.pass(pass);
          if (!r.cut) continue;
          const { lease } = r.site;
          if (lease !== undefined && lease.until <= r.now) {
            for (const name of r.site.users) expect(r.site.read(name, r.now)).toMatch(/stale$/);
          }
        }
        r.cut = false;
        r.restart();
        r.pass(300_000);
        expect(r.site.lease).toMatchObject({ epoch: r.epoch, reconciled: true, staleSince: null });
        for (const [user, { contacts, calls }] of r.truth) {
          const document = r.site.worker.document(user, r.now);
          expect([document?.terminals.length ?? 0, document?.calls.length ?? 0]).toEqual([contacts.size, calls.size]);
        }
      }),
      { numRuns: 200 },
    );
  });
});
