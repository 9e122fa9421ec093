import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyDeadlines, compose, emptyRecord, setOverride, why } from '../../worker/presence/index.ts';
import { DETAIL_LEVELS, type DetailLevel, type Why } from '../../worker/protocol/index.ts';
import { SimulatedUser, T0, USER } from './support/user.ts';

const whyOf = (user: SimulatedUser, detail: DetailLevel = 'full', lost: Record<string, number> = {}): Why => {
  const told = why(user.record, { detail, standing: (site) => ({ since: lost[site] ?? null, until: T0 + 30_000 }) });
  if (told === undefined) throw new Error('never seen');
  return told;
};
const at = (ms: number) => new Date(T0 + ms).toISOString();

describe('Offhook GET /v1/presence/{user}/why', () => {
  it('tells nothing of a user never seen', () => {
    expect(why(emptyRecord(USER), { detail: 'full', standing: () => undefined })).toBeUndefined();
  });

  it('names the REGISTER, the dialog, the updates that decided, and what ends next', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online('sip:a@1', { expires: T0 + 60_000 }));
    user.now += 5_000;
    user.tell(user.say.talking('c1', { deadline: T0 + 3_600_000, answeredAt: T0 + 5_000 }));
    const told = whyOf(user);
    expect(told).toMatchObject({
      user: USER,
      version: 2,
      status: { value: 'talking', since: at(5_000), rule: 'talking: a call is confirmed, and not every one is held' },
      terminalStatus: {
        value: 'online',
        since: at(0),
        by: { by: 'update', site: 'site-a', epoch: T0, sequence: 1, status: 'online' },
        rule: 'FIG. 8, steps 101 and 102: an on-line report puts the user on-line',
        registrations: [{ site: 'site-a', contact: 'sip:a@1', since: at(0), expires: at(60_000) }],
      },
      callStatus: {
        value: 'talking',
        since: at(5_000),
        by: { by: 'update', site: 'site-a', epoch: T0, sequence: 2, status: 'talking' },
        dialogs: [
          { site: 'site-a', id: 'c1', callId: 'c1@192.0.2.1', peer: { uri: 'sip:bob@example.com' }, deadline: at(3_600_000) },
        ],
      },
      stale: {
        value: false,
        sites: [{ site: 'site-a', epoch: T0, sequence: 2, heard: at(5_000), outOfTouchSince: null, inTouchUntil: at(30_000) }],
      },
      overrides: [],
      next: {
        at: at(60_000),
        what: 'terminal-expired',
        becomes: { status: 'offline-waiting', terminalStatus: 'offline-waiting' },
      },
      later: [{ at: at(3_600_000), what: 'call-expired', becomes: { status: 'offline', callStatus: 'idle' } }],
    });
    expect(told.text).toContain(`${USER} is talking since ${at(5_000)}.`);
    expect(told.text).toContain(`update 2 (talking) of site site-a, incarnation ${T0}`);
    expect(told.text).toContain(
      `the registration of sip:a@1 at site site-a expires at ${at(60_000)}; ${USER} is offline-waiting then.`,
    );
  });

  it('keeps who decided while other words come and go', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online('sip:a@1'));
    user.now += 1_000;
    user.tell(user.say.online('sip:b@1'));
    user.tell(user.say.early('c1'));
    user.tell(user.say.idle('c1'));
    expect(whyOf(user).terminalStatus).toMatchObject({ since: at(0), by: { sequence: 1 } });
    expect(whyOf(user).callStatus).toMatchObject({ value: 'idle', by: { sequence: 4 }, reason: { cause: 'bye' } });
  });

  it('tells the conflicts that FIG. 8 resolved', () => {
    const user = new SimulatedUser();
    user.tell(user.say.talking('c1'));
    expect(whyOf(user).terminalStatus).toMatchObject({
      conflict: { rule: 'talking-while-offline' },
      rule: expect.stringContaining('step 112'),
    });
    user.tell(user.say.online());
    user.tell(user.say.offline());
    expect(whyOf(user).terminalStatus).toMatchObject({
      value: 'offline-waiting',
      conflict: { rule: 'offline-while-talking' },
      rule: expect.stringContaining('steps 103 to 107'),
      registrations: [],
    });
    expect(whyOf(user).callStatus).not.toHaveProperty('conflict');
  });

  it('tells of the time for which a call without registration is remembered', () => {
    const user = new SimulatedUser();
    user.tell(user.say.talking('c1'));
    user.tell(user.say.idle('c1'));
    expect(whyOf(user).next).toMatchObject({ what: 'implied-online-expired', at: at(3_600_000), becomes: { status: 'offline' } });
    user.wait(3_600_000);
    expect(whyOf(user)).toMatchObject({ terminalStatus: { by: { by: 'deadline', what: 'implied-online-expired' } }, next: null });
    expect(whyOf(user).text).toContain('Nothing of it ends by itself');
  });

  it('shows the override apart from what was observed', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    const word = { source: { by: 'person' as const }, activity: 'dnd' as const, note: 'lunch', lifetime: 60_000 };
    const step = setOverride(user.record, word, user.now);
    if (!step.ok) throw new Error(step.reason);
    user.record = step.record;
    expect(whyOf(user)).toMatchObject({
      status: { value: 'dnd', rule: 'dnd: an override says so' },
      terminalStatus: { value: 'online', by: { by: 'update' } },
      overrides: [{ by: 'person', activity: 'dnd', note: 'lunch', effective: true }],
      next: { what: 'override-expired', at: at(60_000), becomes: { status: 'available' } },
    });
    expect(JSON.stringify(whyOf(user, 'busy-only'))).not.toContain('lunch');
  });

  it('says which site is out of touch, and since when', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    const told = whyOf(user, 'full', { 'site-a': T0 + 30_000 });
    expect(told.stale).toMatchObject({
      value: true,
      since: at(30_000),
      sites: [{ outOfTouchSince: at(30_000), inTouchUntil: null }],
    });
    expect(told.text).toContain(
      `This is what was known at ${at(30_000)}: out of touch: 1 of 1 sites that reported the user (site-a).`,
    );
    user.tell(user.say.offline());
    expect(whyOf(user, 'full', { 'site-a': T0 + 30_000 }).status).toMatchObject({
      value: 'unknown',
      rule: expect.stringMatching(/^unknown/),
    });
  });

  it('shows no more than the level of detail allows, in its sentences too', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online('sip:secret@192.0.2.99', { expires: T0 + 60_000 }));
    user.tell(user.say.talking('hidden', { peer: { uri: 'sip:mistress@example.com', name: 'M' } }));
    const seen = (detail: DetailLevel) => JSON.stringify(whyOf(user, detail));
    for (const word of ['mistress', 'hidden@192.0.2.1']) expect(seen('full')).toContain(word);
    for (const word of ['mistress', 'hidden@192.0.2.1']) expect(seen('direction')).not.toContain(word);
    for (const word of ['mistress', 'hidden', 'secret', '192.0.2.1', 'site-a']) expect(seen('busy-only')).not.toContain(word);
    expect(whyOf(user, 'direction').callStatus.dialogs).toHaveLength(1);
    expect(whyOf(user, 'busy-only').callStatus.dialogs).toEqual([]);
  });
});

describe('Offhook properties of why', () => {
  const words = fc.array(
    fc.tuple(
      fc.constantFrom('online', 'offline', 'early', 'outgoing', 'talking', 'held', 'terminating', 'idle', 'dnd', 'away'),
      fc.nat(2),
      fc.nat(90_000),
      fc.constantFrom('site-a', 'site-b'),
    ),
    { maxLength: 20 },
  );
  const play = (steps: readonly (readonly [string, number, number, string])[]): SimulatedUser => {
    const user = new SimulatedUser();
    const { say } = user;
    for (const [word, n, pause, site] of steps) {
      const call = { deadline: user.now + 120_000 * (n + 1) };
      if (word === 'online') user.tell(say.online(`sip:${n}@1`, { expires: user.now + 60_000 }), site);
      if (word === 'offline') user.tell(say.offline(`sip:${n}@1`), site);
      if (word === 'early') user.tell(say.early(`c${n}`, call), site);
      if (word === 'outgoing') user.tell(say.early(`c${n}`, { ...call, direction: 'outgoing' }), site);
      if (word === 'talking') user.tell(say.talking(`c${n}`, call), site);
      if (word === 'held') user.tell(say.talking(`c${n}`, { ...call, held: true }), site);
      if (word === 'terminating') user.tell(say.terminating(`c${n}`), site);
      if (word === 'idle') user.tell(say.idle(`c${n}`), site);
      if (word === 'dnd' || word === 'away') {
        const step = setOverride(user.record, { source: { by: 'person' }, activity: word, lifetime: 60_000 }, user.now);
        if (step.ok) user.record = step.record;
      }
      user.wait(pause);
    }
    return user;
  };

  it('agrees with the document, decides by the first rule that holds, and foretells what time does', () => {
    fc.assert(
      fc.property(words, fc.constantFrom(...DETAIL_LEVELS), (steps, detail) => {
        const user = play(steps);
        const document = compose(user.record);
        if (document === undefined) return;
        const told = whyOf(user, detail);
        expect([told.status.value, told.status.since]).toEqual([document.status, document.since]);
        expect([told.terminalStatus.value, told.callStatus.value]).toEqual([document.terminalStatus, document.callStatus]);
        expect(told.status.rule).toBe(told.status.rules.find(({ holds }) => holds)?.rule);
        const word = told.status.rule.startsWith('another override')
          ? document.override?.activity
          : told.status.rule.split(':')[0];
        expect(word).toBe(document.status);
        if (told.next === null) return;
        const after = compose(applyDeadlines(user.record, Date.parse(told.next.at)).record);
        expect(after).toMatchObject(told.next.becomes);
      }),
      { numRuns: 200 },
    );
  });
});
