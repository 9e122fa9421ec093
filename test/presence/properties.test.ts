import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyDeadlines,
  applyUpdate,
  compose,
  confirmedCalls,
  emptyRecord,
  liveTerminals,
  nextDeadline,
  PRESENCE_LIMITS,
  type PresenceRecord,
} from '../../worker/presence/index.ts';
import type { Update } from '../../worker/protocol/index.ts';
import { Stream, type Word, words } from './support/site.ts';
import { T0, USER } from './support/user.ts';

const SITES = ['site-a', 'site-b'];
const HOUR = 3_600_000;

/** Something that a site sees, and how long after the last thing. */
interface Seen {
  readonly site: string;
  readonly kind: 'online' | 'offline' | 'early' | 'talking' | 'terminating' | 'idle' | 'snapshot';
  readonly n: number;
  readonly after: number;
}

const seen = fc.record<Seen>({
  site: fc.constantFrom(...SITES),
  kind: fc.constantFrom('online', 'offline', 'early', 'talking', 'terminating', 'idle', 'snapshot'),
  n: fc.integer({ min: 0, max: 2 }),
  after: fc.integer({ min: 0, max: 10_000 }),
});
const story = fc.array(seen, { minLength: 1, maxLength: 30 });

interface Sent {
  readonly site: string;
  readonly update: Update;
}

/** The updates that the sites would send; `server`: with an expiry on each terminal. */
function updatesOf(events: readonly Seen[], server = false): Sent[] {
  let now = T0;
  const say = words(() => now);
  const streams = new Map(SITES.map((site) => [site, new Stream(USER, () => now, T0)]));
  return events.map(({ site, kind, n, after }) => {
    now += after;
    const expires = server ? now + HOUR : null;
    const wordsOf: Record<Seen['kind'], () => Word> = {
      online: () => say.online(`sip:a@${n}`, { expires }),
      offline: () => say.offline(`sip:a@${n}`),
      early: () => say.early(`c${n}`),
      talking: () => say.talking(`c${n}`),
      terminating: () => say.terminating(`c${n}`),
      idle: () => say.idle(`c${n}`),
      snapshot: () =>
        say.snapshot(n > 0 ? [say.terminal(`sip:a@${n}`, { expires })] : [], n > 1 ? [say.call(`c${n}`, 'confirmed')] : []),
    };
    return { site, update: (streams.get(site) as Stream).next(wordsOf[kind]()) };
  });
}

function applyAll(sent: readonly Sent[], now: number): PresenceRecord {
  return sent.reduce((record, { site, update }) => applyUpdate(record, site, update, now).record, emptyRecord(USER));
}

describe('Offhook updates: order, loss and doubling', () => {
  it('end in the same record when each update, and any before it, comes again', () => {
    fc.assert(
      fc.property(story, fc.array(fc.nat({ max: 29 })), (events, again) => {
        const sent = updatesOf(events);
        const doubled = sent.flatMap((item, i) => [item, ...again.filter((n) => n <= i).map((n) => sent[n] as Sent)]);
        expect(applyAll(doubled, T0 + HOUR)).toEqual(applyAll(sent, T0 + HOUR));
      }),
    );
  });

  it('change nothing at all where they are not accepted, whatever arrives in whatever order', () => {
    fc.assert(
      fc.property(story, fc.array(fc.nat({ max: 29 }), { maxLength: 60 }), (events, order) => {
        const sent = updatesOf(events);
        let record = emptyRecord(USER);
        const accepted: Sent[] = [];
        for (const n of order) {
          const item = sent[n % sent.length] as Sent;
          const step = applyUpdate(record, item.site, item.update, T0 + HOUR);
          if (step.verdict.verdict === 'accepted') accepted.push(item);
          else expect(step.record).toBe(record);
          record = step.record;
        }
        expect(record).toEqual(applyAll(accepted, T0 + HOUR));
        // Of one site, what was accepted stands in the order in which it was sent.
        for (const site of SITES) {
          const sequences = accepted.filter((item) => item.site === site).map(({ update }) => update.sequence);
          expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
        }
      }),
    );
  });

  it('are healed by a snapshot of what the site knows, whatever was lost', () => {
    fc.assert(
      fc.property(story, fc.infiniteStream(fc.boolean()), (events, lost) => {
        const sent = updatesOf(events);
        const whole = applyAll(sent, T0 + HOUR);
        let holed = applyAll(
          sent.filter(() => !lost.next().value),
          T0 + HOUR,
        );
        for (const { site, terminals, calls, cursor } of whole.sites) {
          const { epoch, sequence } = cursor;
          const head = { user: USER, epoch, sequence: sequence + 2, previous: sequence + 1, at: T0 + HOUR };
          holed = applyUpdate(holed, site, { ...head, status: 'snapshot', terminals, calls }, T0 + HOUR).record;
        }
        const live = (record: PresenceRecord) =>
          SITES.map((name) => {
            const site = record.sites.find((entry) => entry.site === name);
            return [
              new Set(site?.terminals.map(({ contact }) => contact)),
              new Set(site?.calls.map(({ id, state }) => `${id} ${state}`)),
            ];
          });
        expect(live(holed)).toEqual(live(whole));
      }),
    );
  });
});

describe('FIG. 8 invariants of the record', () => {
  it('has a version that rises by one with each change of the document, and only then', () => {
    fc.assert(
      fc.property(story, (events) => {
        let record = emptyRecord(USER);
        for (const { site, update } of updatesOf(events)) {
          const { record: next, change } = applyUpdate(record, site, update, T0 + HOUR);
          expect(next.version).toBe(record.version + (change === undefined ? 0 : 1));
          expect(JSON.stringify(compose(next)) !== JSON.stringify(compose(record))).toBe(change !== undefined);
          record = next;
        }
      }),
    );
  });

  it('is online with a terminal, offline-waiting only without one and with a call, offline only with neither', () => {
    fc.assert(
      fc.property(story, fc.boolean(), (events, server) => {
        let record = emptyRecord(USER);
        for (const { site, update } of updatesOf(events, server)) {
          const before = record;
          record = applyDeadlines(applyUpdate(record, site, update, update.at).record, update.at).record;
          const terminals = liveTerminals(record);
          const confirmed = confirmedCalls(record);
          if (terminals > 0) expect(record.terminalStatus).toBe('online');
          if (record.terminalStatus === 'offline-waiting') expect([terminals, confirmed > 0]).toEqual([0, true]);
          if (record.terminalStatus === 'offline') expect([terminals, confirmed]).toEqual([0, 0]);
          expect(record.since).toBeLessThanOrEqual(update.at);
          expect(record.since).toBeGreaterThanOrEqual(before.since);
          if (record.status === before.status && before.version > 0) expect(record.since).toBe(before.since);
        }
      }),
    );
  });

  it('has a deadline for whatever is live where the presence server keeps expiry, and all of it ends', () => {
    fc.assert(
      fc.property(story, (events) => {
        const record = applyAll(updatesOf(events, true), T0 + HOUR);
        const live = record.terminalStatus !== 'offline' || record.sites.some(({ calls }) => calls.length > 0);
        expect(nextDeadline(record) !== undefined).toBe(live);
        const end = T0 + 2 * HOUR + PRESENCE_LIMITS.callDeadline + PRESENCE_LIMITS.impliedOnline;
        expect(compose(applyDeadlines(record, end).record)).toMatchObject({
          status: 'offline',
          callStatus: 'idle',
          terminals: [],
          calls: [],
        });
        expect(nextDeadline(applyDeadlines(record, end).record)).toBeUndefined();
      }),
    );
  });
});
