import { describe, expect, it } from 'vitest';
import { applyGroup, clockShift, emptyRecord, LAST_TIME, redact, shiftTimes } from '../../worker/presence/index.ts';
import { Stream, words } from './support/site.ts';
import { SimulatedUser, T0, USER } from './support/user.ts';

describe('Offhook presence document', () => {
  it('tells what FIG. 12 reports, without what concerns only the reporter', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online('sip:a@1', { expires: T0 + 60_000 }));
    user.now += 5_000;
    user.tell(user.say.talking('c1', { answeredAt: T0 + 4_000 }));
    expect(user.document).toEqual({
      user: USER,
      status: 'talking',
      terminalStatus: 'online',
      callStatus: 'talking',
      stale: false,
      since: '2026-11-22T10:00:05.000Z',
      terminals: [
        {
          contact: 'sip:a@1',
          address: '192.0.2.1:5060',
          type: 'phone',
          userAgent: 'Phone/1.0',
          site: 'site-a',
          since: '2026-11-22T10:00:00.000Z',
          expires: '2026-11-22T10:01:00.000Z',
        },
      ],
      calls: [
        {
          id: 'c1',
          callId: 'c1@192.0.2.1',
          direction: 'incoming',
          state: 'confirmed',
          held: false,
          peer: { uri: 'sip:bob@example.com', name: 'Bob' },
          media: [{ type: 'audio', codec: 'PCMA', direction: 'sendrecv' }],
          session: 'voice',
          site: 'site-a',
          startedAt: '2026-11-22T10:00:05.000Z',
          answeredAt: '2026-11-22T10:00:04.000Z',
        },
      ],
      override: null,
      version: 2,
    });
  });

  it('says held only where every confirmed call is held', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    const words = [
      user.say.talking('c1', { held: true }),
      user.say.early('c2'),
      user.say.talking('c2'),
      user.say.talking('c2', { held: true }),
      user.say.idle('c1'),
      user.say.talking('c2'),
    ];
    const told = words.map((word) => {
      user.tell(word);
      return `${user.document?.status} ${user.document?.callStatus}`;
    });
    expect(told).toEqual(['held', 'held', 'talking', 'held', 'held', 'talking'].map((status) => `${status} talking`));
  });

  it('has a since that is never later than now, and never before the one that was told', () => {
    const user = new SimulatedUser();
    user.apply({ ...user.stream('site-a').next(user.say.online()), at: T0 + 60_000 });
    expect(user.document.since).toBe('2026-11-22T10:00:00.000Z');
    user.apply({ ...user.stream('site-a').next(user.say.talking('c1')), at: T0 - 60_000 });
    expect(user.document.since).toBe('2026-11-22T10:00:00.000Z');
  });

  it('keeps since while the status stays, although calls come and go', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    user.tell(user.say.talking('c1'));
    user.now += 1_000;
    user.tell(user.say.talking('c2'));
    expect(user.document).toMatchObject({ since: '2026-11-22T10:00:00.000Z', version: 3 });
  });

  it('does not change for an update that says what is known already', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online('sip:a@1', { since: T0 }));
    expect(user.tell(user.say.online('sip:a@1', { since: T0 + 30 }))).toMatchObject({ verdict: 'accepted', version: 1 });
    expect(user.changes).toHaveLength(1);
  });

  it.each([
    ['full', 1, 'sip:bob@example.com'],
    ['direction', 1, undefined],
    ['busy-only', 0, undefined],
  ] as const)('shows a token of detail %s no more than it may see', (detail, calls, peer) => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    user.tell(user.say.talking('c1'));
    const document = redact(user.document, detail);
    expect(document.calls).toHaveLength(calls);
    expect(document.calls[0]?.peer?.uri).toBe(peer);
    if (detail === 'full') expect(document).toEqual(user.document);
    else expect(JSON.stringify(document)).not.toMatch(/bob|PCMA|c1@/);
    if (detail === 'busy-only') expect(document.terminals).toEqual([]);
    expect(document).toMatchObject({ status: 'talking', version: 2 });
  });
});

describe("Offhook correction of a site's clock", () => {
  it('shifts nothing within two seconds, and by the whole difference beyond', () => {
    expect([T0 - 2_000, T0 + 2_000, T0 - 2_001, T0 + 3_600_000].map((sentAt) => clockShift(sentAt, T0))).toEqual([
      0, 0, 2_001, -3_600_000,
    ]);
  });

  it('shifts every time of an update and never its identity', () => {
    const say = words(() => T0);
    const stream = new Stream(USER, () => T0, T0);
    const call = { answeredAt: T0 };
    for (const word of [
      say.online('sip:a@1', { expires: T0 }),
      say.talking('c1', call),
      say.snapshot([say.terminal()], [say.call('c1', 'early')]),
      say.idle('c1'),
      say.offline(),
    ]) {
      const update = stream.next(word);
      const { epoch, ...rest } = shiftTimes(update, 1_000);
      const times = (value: object) => JSON.stringify(value).match(/17\d{11}/g) ?? [];
      expect(epoch).toBe(T0);
      expect(times(rest)).toEqual(times({ ...update, epoch: undefined }).map((time) => String(Number(time) + 1_000)));
    }
  });

  it('stays within the times that can be written', () => {
    const stream = new Stream(USER, () => LAST_TIME, T0);
    const update = shiftTimes(stream.next(words(() => LAST_TIME).online()), LAST_TIME);
    expect(applyGroup(emptyRecord(USER), 'site-a', [update], T0).verdicts).toMatchObject([{ verdict: 'accepted' }]);
    expect(update.at).toBe(LAST_TIME);
  });
});
