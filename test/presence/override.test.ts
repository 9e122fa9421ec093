import { describe, expect, it } from 'vitest';
import {
  clearOverride,
  type OverrideWord,
  overrideDocuments,
  PRESENCE_LIMITS,
  readRecord,
  redact,
  setOverride,
} from '../../worker/presence/index.ts';
import { LIMITS, type OverrideActivity, type OverrideSource } from '../../worker/protocol/index.ts';
import { SimulatedUser, T0 } from './support/user.ts';

const HOUR = 3_600_000;
const PERSON: OverrideSource = { by: 'person' };
const app = (application: string): OverrideSource => ({ by: 'application', application });

class OverriddenUser extends SimulatedUser {
  set(activity: OverrideActivity, source: OverrideSource = PERSON, more: Partial<OverrideWord> = {}): void {
    const step = setOverride(this.record, { source, activity, lifetime: HOUR, ...more }, this.now);
    if (!step.ok) throw new Error(step.reason);
    this.record = step.record;
    if (step.change !== undefined) this.changes.push(step.change);
  }

  clear(source: OverrideSource = PERSON): void {
    const { record, change } = clearOverride(this.record, source, this.now);
    this.record = record;
    if (change !== undefined) this.changes.push(change);
  }

  get told(): string {
    const { status, override } = this.document;
    return `${status} (${override?.activity ?? 'none'})`;
  }
}

describe('Offhook overrides: precedence', () => {
  const observed: [string, (user: OverriddenUser) => void, string][] = [
    ['offline', (user) => user.tell(user.say.snapshot([], [])), 'offline'],
    ['available', (user) => user.tell(user.say.online()), 'available'],
    ['calling', (user) => user.tell(user.say.early('c1', { direction: 'outgoing' })), 'calling'],
    ['ringing', (user) => user.tell(user.say.early('c1')), 'ringing'],
    ['held', (user) => user.tell(user.say.talking('c1', { held: true })), 'held'],
    ['talking', (user) => user.tell(user.say.talking('c1')), 'talking'],
    [
      'offline-waiting',
      (user) => [user.say.online(), user.say.talking('c1'), user.say.offline()].map((word) => user.tell(word)),
      'offline-waiting',
    ],
  ];
  it.each(observed)(
    'dnd shows over %s, busy and away over available and offline alone, available over nothing',
    (_, make, word) => {
      const quiet = word === 'available' || word === 'offline';
      for (const activity of ['dnd', 'busy', 'away', 'available'] as const) {
        const user = new OverriddenUser();
        make(user);
        const { terminalStatus, callStatus, terminals, calls } = user.document;
        user.set(activity);
        const shown = activity === 'dnd' || (quiet && activity !== 'available') ? activity : word;
        expect(user.told).toBe(`${shown} (${activity})`);
        // What was observed is told as before.
        expect(user.document).toMatchObject({ terminalStatus, callStatus, terminals, calls });
      }
    },
  );

  it('puts the person before every application, and dnd, busy, away, available in that order among applications', () => {
    const user = new OverriddenUser();
    user.tell(user.say.online());
    user.set('away', app('calendar'));
    user.set('available', app('desk'));
    expect(user.told).toBe('away (away)');
    user.set('busy', app('crm'));
    expect(user.told).toBe('busy (busy)');
    user.set('dnd', app('slides'));
    expect(user.told).toBe('dnd (dnd)');
    user.set('available');
    expect(user.told).toBe('available (available)');
    user.clear();
    user.clear(app('slides'));
    expect(user.told).toBe('busy (busy)');
    user.clear(app('crm'));
    user.clear(app('calendar'));
    expect(user.told).toBe('available (available)');
  });

  it('shows the newest of equals, by when it was first said', () => {
    const user = new OverriddenUser();
    user.set('busy', app('a'), { note: 'first' });
    user.now += 60_000;
    user.set('busy', app('b'), { note: 'second' });
    user.now += 60_000;
    user.set('busy', app('a'), { note: 'first' });
    expect(user.document.override?.note).toBe('second');
    expect(overrideDocuments(user.record).map(({ effective }) => effective)).toEqual([false, true]);
  });
});

describe('Offhook overrides: life', () => {
  it('ends by its deadline, once, and tells so', () => {
    const user = new OverriddenUser();
    user.tell(user.say.online());
    user.set('dnd');
    expect(user.wait(HOUR - 1)).toEqual([]);
    const [change, ...more] = user.wait(1);
    expect(more).toEqual([]);
    expect(change?.entry).toMatchObject({ status: 'available', cause: { by: 'deadline', what: 'override-expired' } });
    expect(user.document).toMatchObject({ status: 'available', override: null, since: new Date(T0 + HOUR).toISOString() });
    expect(user.wait(HOUR)).toEqual([]);
  });

  it('tells the history who set it and who took it back', () => {
    const user = new OverriddenUser();
    user.set('away', app('calendar'), { note: 'at the dentist' });
    user.clear(app('calendar'));
    user.clear(app('calendar'));
    expect(user.changes.map(({ entry }) => [entry?.status, entry?.cause])).toEqual([
      ['away', { by: 'override', activity: 'away', setBy: app('calendar') }],
      ['offline', { by: 'override', activity: null, setBy: app('calendar') }],
    ]);
    expect(user.changes[0]?.document.override).toMatchObject({ activity: 'away', note: 'at the dentist' });
  });

  it('changes nothing for the same word soon after, and moves only the expiry later', () => {
    const user = new OverriddenUser();
    user.set('busy');
    const before = user.record;
    user.now += PRESENCE_LIMITS.overrideRepeat;
    user.set('busy');
    expect(user.record).toBe(before);
    user.now += 1;
    user.set('busy');
    expect(user.document).toMatchObject({ version: 2, override: { expires: new Date(user.now + HOUR).toISOString() } });
    expect(user.changes.map(({ entry }) => entry === undefined)).toEqual([false, true]);
    user.set('busy', PERSON, { lifetime: 2 * HOUR });
    expect(user.changes.at(-1)?.entry).toBeDefined();
  });

  it('renews a word of a few seconds too', () => {
    const user = new OverriddenUser();
    user.set('busy', PERSON, { lifetime: 5_000 });
    user.now += 4_000;
    user.set('busy', PERSON, { lifetime: 5_000 });
    expect(user.wait(4_000)).toEqual([]);
    expect(user.wait(1_000)).toHaveLength(1);
  });

  it('is not told where a stronger one hides it, and takes its place when that ends', () => {
    const user = new OverriddenUser();
    user.set('dnd', app('a'));
    user.set('busy', app('b'), { lifetime: 2 * HOUR });
    expect(user.document.version).toBe(1);
    user.wait(HOUR);
    expect(user.told).toBe('busy (busy)');
    user.wait(HOUR);
    expect(user.told).toBe('offline (none)');
  });

  it('has room for a bounded number side by side, and changes nothing beyond', () => {
    const user = new OverriddenUser();
    for (let i = 0; i < LIMITS.overrides; i++) user.set('away', app(`a${i}`));
    const word = { source: PERSON, activity: 'dnd', lifetime: HOUR } as const;
    expect(setOverride(user.record, word, user.now)).toEqual({ ok: false, reason: 'full' });
    user.set('busy', app('a0'));
    expect(user.told).toBe('busy (busy)');
  });

  it('leaves the deadline of a user who is online by a call alone where it is', () => {
    const user = new OverriddenUser();
    user.tell(user.say.talking('c1'));
    user.tell(user.say.idle('c1'));
    const { impliedUntil } = user.record;
    user.now += 60_000;
    user.set('away');
    user.clear();
    expect(user.record.impliedUntil).toBe(impliedUntil);
  });
});

describe('Offhook overrides: who may see what', () => {
  it('hides the note from busy-only', () => {
    const user = new OverriddenUser();
    user.set('away', PERSON, { note: 'at the dentist' });
    expect(JSON.stringify(redact(user.document, 'busy-only'))).not.toContain('dentist');
    expect(redact(user.document, 'busy-only').override?.activity).toBe('away');
    expect(redact(user.document, 'direction').override?.note).toBe('at the dentist');
  });
});

describe('Offhook storage of a record: what earlier programs wrote', () => {
  it('reads a record from before overrides', () => {
    const stored =
      '{"user":"sip:alice@example.com","version":3,"terminalStatus":"online","impliedUntil":null,"status":"talking","since":1763805600000,' +
      '"sites":[{"site":"site-a","cursor":{"epoch":1763805600000,"first":1,"sequence":3},"heard":1763805602000,"terminals":[{"contact":' +
      '"sip:alice@192.0.2.1","address":"192.0.2.1:5060","type":"phone","userAgent":"Phone/1.0","since":1763805600000,"expires":null}],' +
      '"calls":[{"id":"c1","callId":"c1@192.0.2.1","direction":"incoming","state":"confirmed","held":false,"peer":{"uri":' +
      '"sip:bob@example.com","name":"Bob"},"media":[{"type":"audio","codec":"PCMA","direction":"sendrecv"}],"session":"voice",' +
      '"startedAt":1763805601000,"answeredAt":1763805602000,"deadline":1763820001000}]}]}';
    const user = new OverriddenUser();
    user.record = readRecord(stored);
    expect(user.document).toMatchObject({ status: 'talking', override: null, version: 3 });
    user.set('dnd');
    expect(user.document).toMatchObject({ status: 'dnd', callStatus: 'talking', version: 4 });
  });
});
