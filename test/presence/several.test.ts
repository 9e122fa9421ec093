import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../worker/protocol/index.ts';
import { SimulatedUser } from './support/user.ts';

describe('FIG. 8 generalised to several terminals, calls and sites', () => {
  it('keeps a user online while one terminal of several is left, at whichever site', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online('sip:a@1'));
    user.tell(user.say.online('sip:a@2'), 'site-b');
    user.tell(user.say.talking('c1'));
    user.tell(user.say.offline('sip:a@1'));
    expect(user.state).toBe('online/talking');
    user.tell(user.say.offline('sip:a@2'), 'site-b');
    expect(user.state).toBe('offline-waiting/talking');
  });

  it('waits for the last confirmed call of several before a waiting user is offline', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    user.tell(user.say.talking('c1'));
    user.tell(user.say.talking('c2'), 'site-b');
    user.tell(user.say.offline());
    user.tell(user.say.idle('c1'));
    expect(user.state).toBe('offline-waiting/talking');
    user.tell(user.say.idle('c2'), 'site-b');
    expect(user.state).toBe('offline/idle');
  });

  it('does not take an early call for talking', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    user.tell(user.say.early('c1'));
    user.tell(user.say.offline());
    expect(user.state).toBe('offline/ringing');
    expect(user.document.status).toBe('ringing');
  });

  it('puts talking before ringing before calling before terminating', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    const seen = [
      user.say.terminating('c1'),
      user.say.early('c2', { direction: 'outgoing' }),
      user.say.early('c3'),
      user.say.talking('c4'),
    ].map((word) => {
      user.tell(word);
      return `${user.document.callStatus} ${user.document.status}`;
    });
    expect(seen).toEqual(['terminating available', 'calling calling', 'ringing ringing', 'talking talking']);
  });

  it('is held only where every confirmed call is', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    user.tell(user.say.talking('c1', { held: true }));
    expect(user.document.status).toBe('held');
    user.tell(user.say.talking('c2'));
    expect(user.document.status).toBe('talking');
    user.tell(user.say.idle('c2'));
    expect(user.document).toMatchObject({ status: 'held', callStatus: 'talking' });
    user.tell(user.say.early('c3'));
    expect(user.document.status).toBe('held');
  });

  it('takes a hold that is told of a talking call: a new version, and a waiting user goes on waiting', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    user.tell(user.say.talking('c1'));
    user.tell(user.say.offline());
    const before = user.document;
    user.tell(user.say.talking('c1', { held: true, media: [{ type: 'audio', direction: 'sendonly' }] }));
    expect(user.document).toMatchObject({ status: 'offline-waiting', version: before.version + 1 });
    expect(user.document.calls[0]).toMatchObject({ held: true, media: [{ direction: 'sendonly' }] });
  });

  it('replaces with a snapshot all that came from its site, and nothing else', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online('sip:a@1'));
    user.tell(user.say.talking('c1'));
    user.tell(user.say.online('sip:a@2'), 'site-b');
    user.tell(user.say.snapshot([user.say.terminal('sip:a@3')], [user.say.call('c2', 'early')]));
    expect(user.document.terminals.map(({ contact }) => contact)).toEqual(['sip:a@3', 'sip:a@2']);
    expect(user.document.calls.map(({ id }) => id)).toEqual(['c2']);
    expect(user.state).toBe('online/ringing');
  });

  it.each([
    [
      'lost its terminals, the call is confirmed',
      ['online', 'talking'],
      [],
      ['c1'],
      'offline-waiting/talking',
      'offline-while-talking',
    ],
    ['lost its terminals, no call', ['online'], [], [], 'offline/idle', undefined],
    ['found a terminal again', ['online', 'talking', 'offline'], ['sip:a@1'], ['c1'], 'online/talking', 'online-while-waiting'],
    ['lost the call while waiting', ['online', 'talking', 'offline'], [], [], 'offline/idle', 'terminating-while-waiting'],
    ['found a call of an unknown user', [], [], ['c1'], 'online/talking', 'talking-while-offline'],
    ['says that nothing is there of a user online by a call alone', ['talking'], [], [], 'offline/idle', undefined],
    ['confirms a call that put the user online', ['talking'], [], ['c1'], 'online/talking', undefined],
  ] as const)('resolves a snapshot that %s', (_, before, terminals, calls, state, rule) => {
    const user = new SimulatedUser();
    for (const word of before) {
      if (word === 'online') user.tell(user.say.online('sip:a@1'));
      else if (word === 'offline') user.tell(user.say.offline('sip:a@1'));
      else user.tell(user.say.talking('c1'));
    }
    const verdict = user.tell(
      user.say.snapshot(
        terminals.map((contact) => user.say.terminal(contact)),
        calls.map((id) => user.say.call(id, 'confirmed')),
      ),
    );
    expect(user.state).toBe(state);
    expect('conflict' in verdict ? verdict.conflict?.rule : undefined).toBe(rule);
  });

  it('refuses a terminal or a call above the limits, names the field, and changes nothing', () => {
    const user = new SimulatedUser();
    for (let i = 0; i < LIMITS.terminals; i++) user.tell(user.say.online(`sip:a@${i}`));
    for (let i = 0; i < LIMITS.calls; i++) user.tell(user.say.early(`c${i}`));
    const full = user.record;
    expect(user.tell(user.say.online('sip:a@more'))).toMatchObject({ verdict: 'rejected', field: 'terminal' });
    expect(user.record).toBe(full);
    expect(user.apply(user.stream('site-b').next(user.say.online('sip:a@more')), 'site-b')).toMatchObject({
      verdict: 'accepted',
    });
  });
});
