import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../worker/protocol/index.ts';
import { ROUTE_LIMITS } from '../../worker/routes/limits.ts';
import { newStream, okay, post, presence, problemOf, report, request, say } from './support/client.ts';
import { hang, userObject } from './support/objects.ts';

const batch = (more: object = {}) => ({ version: 1, site: 'site-a', sentAt: Date.now(), updates: [], ...more });

describe('FIG. 12 the update message: bad batches', () => {
  it.each([
    ['no JSON', '{"version":', '400'],
    ['no body', '', '400'],
    ['no object', '[]', '400'],
    ['null', 'null', '400'],
    ['a body that is too large', `"${'x'.repeat(LIMITS.batchBytes)}"`, '413'],
    ['no version', { updates: [] }, '400 version'],
    ['an unknown version', batch({ version: 2 }), '400 version'],
    ['no site', batch({ site: undefined }), '422 site'],
    ['a site with a space', batch({ site: 'a b' }), '422 site'],
    ['an over-long site', batch({ site: 'a'.repeat(65) }), '422 site'],
    ['no time', batch({ sentAt: 'now' }), '422 sentAt'],
    ['a time after the year 9999', batch({ sentAt: 1e300 }), '422 sentAt'],
    ['updates that are no list', batch({ updates: {} }), '422 updates'],
    ['too many updates', batch({ updates: new Array(LIMITS.batchUpdates + 1).fill({}) }), '413 updates'],
  ])('%s', async (_, body, problem) => {
    expect(await problemOf(await post('/v1/updates', body))).toBe(problem);
  });

  it('answers an empty batch, the heartbeat of its site, with the lease', async () => {
    expect(await okay(await post('/v1/updates', batch()))).toEqual({
      results: [],
      lease: { state: 'held', duration: 3_600_000, epoch: 0, round: 1 },
    });
  });
});

describe('FIG. 12 the update message: bad items', () => {
  const good = () => newStream('alice').next(say.talking('c1'));
  const call = say.call('c1', 'confirmed');
  it.each([
    ['no object', () => 'x', ''],
    ['no status', () => ({}), '.status'],
    ['an unknown status', () => ({ ...good(), status: 'asleep' }), '.status'],
    ['no user', () => ({ ...good(), user: undefined }), '.user'],
    ['a user that is no address', () => ({ ...good(), user: 'tel:1' }), '.user'],
    ['an over-long user', () => ({ ...good(), user: `sip:${'a'.repeat(300)}@example.com` }), '.user'],
    ['a negative epoch', () => ({ ...good(), epoch: -1 }), '.epoch'],
    ['a sequence of 0', () => ({ ...good(), sequence: 0 }), '.sequence'],
    ['a fractional sequence', () => ({ ...good(), sequence: 1.5 }), '.sequence'],
    ['a previous that is not before', () => ({ ...good(), previous: 1 }), '.previous'],
    ['a time that is none', () => ({ ...good(), at: Number.NaN }), '.at'],
    ['no call', () => ({ ...good(), call: undefined }), '.call'],
    ['a call without id', () => ({ ...good(), call: { ...call, id: '' } }), '.call.id'],
    ['an over-long call id', () => ({ ...good(), call: { ...call, id: 'x'.repeat(513) } }), '.call.id'],
    ['a call id with a line break', () => ({ ...good(), call: { ...call, id: 'a\nb' } }), '.call.id'],
    ['a call in another state', () => ({ ...good(), call: { ...call, state: 'early' } }), '.call.state'],
    ['a call without peer', () => ({ ...good(), call: { ...call, peer: null } }), '.call.peer'],
    [
      'a wrong media direction',
      () => ({ ...good(), call: { ...call, media: [{ type: 'audio', direction: 'up' }] } }),
      '.call.media[0].direction',
    ],
    ['an unknown session', () => ({ ...good(), call: { ...call, session: 'chat' } }), '.call.session'],
    ['an unknown cause', () => ({ ...good(), status: 'idle', call: 'c1', reason: { cause: 'bored' } }), '.reason.cause'],
    [
      'a terminal without contact',
      () => ({ ...good(), status: 'online', terminal: { since: 1, expires: null } }),
      '.terminal.contact',
    ],
    [
      'too many terminals',
      () => ({ ...good(), status: 'snapshot', terminals: new Array(33).fill(say.terminal()), calls: [] }),
      '.terminals',
    ],
    ['too many calls', () => ({ ...good(), status: 'snapshot', terminals: [], calls: new Array(65).fill(call) }), '.calls'],
  ])('%s is rejected with its field, and the others are taken', async (_, bad, field) => {
    const alice = newStream('alice');
    const results = await report([bad(), alice.next(say.online())]);
    expect(results).toMatchObject([{ verdict: 'rejected', field: `updates[0]${field}` }, { verdict: 'accepted' }]);
  });

  it('makes a gap of what comes after a bad item of the same user, until a snapshot', async () => {
    const alice = newStream('alice');
    const online = alice.next(say.online());
    const bad = { ...alice.next(say.talking('c1')), at: 'now' };
    const results = await report([online, bad, alice.next(say.idle('c1')), alice.next(say.snapshot([say.terminal()], []))]);
    expect(results).toMatchObject([
      { sequence: 1, verdict: 'accepted' },
      { sequence: 2, verdict: 'rejected', field: 'updates[1].at' },
      { sequence: 3, verdict: 'gap', last: { epoch: alice.epoch, sequence: 1 } },
      { sequence: 4, verdict: 'accepted' },
    ]);
  });

  it('names the field that the object refuses, too', async () => {
    const alice = newStream('alice');
    const updates = Array.from({ length: LIMITS.terminals + 1 }, (_, i) => alice.next(say.online(`sip:a@${i}`)));
    expect((await report(updates)).at(-1)).toMatchObject({ verdict: 'rejected', field: `updates[${LIMITS.terminals}].terminal` });
  });

  it('cuts what is only shown, and drops what it does not know', async () => {
    const alice = newStream('alice');
    const terminal = { ...say.terminal(), userAgent: 'x'.repeat(1_000), colour: 'red' };
    await report([{ ...alice.next(say.online()), terminal }]);
    const [shown] = (await presence(alice.user)).terminals;
    expect(shown?.userAgent).toHaveLength(LIMITS.fieldLength);
    expect(shown).not.toHaveProperty('colour');
  });
});

describe('Offhook POST /v1/updates', () => {
  it('answers in the order of the items, whichever user they are of', async () => {
    const [alice, bob] = [newStream('alice'), newStream('bob')];
    const updates = [alice, bob, alice, bob, alice].map((stream, i) => stream.next(i < 2 ? say.online() : say.talking('c1')));
    expect((await report(updates)).map((result) => [result.sequence, 'version' in result && result.version])).toEqual([
      [1, 1],
      [1, 1],
      [2, 2],
      [2, 2],
      [3, 2],
    ]);
  });

  it('takes names of one user in any form for one user', async () => {
    const alice = newStream('alice');
    const upper = alice.user.replace('example.com', 'EXAMPLE.com').replace('sip:', 'sips:');
    await report([alice.next(say.online()), { ...alice.next(say.talking('c1')), user: upper }]);
    expect(await presence(upper)).toMatchObject({ user: alice.user, version: 2 });
  });

  it('answers retry for the items of an object that fails, and takes the others', async () => {
    const [alice, bob] = [newStream('alice'), newStream('bob')];
    const patch = (value: unknown) =>
      runInDurableObject(userObject(alice.user), (instance) => void Object.assign(instance, { apply: value }));
    await patch('out of order');
    const update = alice.next(say.online());
    expect((await report([update, bob.next(say.online())])).map(({ verdict }) => verdict)).toEqual(['retry', 'accepted']);
    await runInDurableObject(userObject(alice.user), (instance) => void Reflect.deleteProperty(instance, 'apply'));
    expect(await report([update])).toMatchObject([{ verdict: 'accepted', version: 1 }]);
  });

  it('answers retry for the items of an object that hangs, and holds up nobody else', async () => {
    const [alice, bob] = [newStream('alice'), newStream('bob')];
    const { batchTimeout } = ROUTE_LIMITS;
    Object.assign(ROUTE_LIMITS, { batchTimeout: 200 });
    try {
      const wake = await hang(userObject(alice.user), 'apply');
      const update = alice.next(say.online());
      expect((await report([update, bob.next(say.online())])).map(({ verdict }) => verdict)).toEqual(['retry', 'accepted']);
      const recover = await hang(userObject(alice.user), 'get');
      const query = await okay<{ users: object[] }>(await post('/v1/presence/query', { users: [alice.user, bob.user] }));
      recover();
      expect(query.users).toMatchObject([
        { type: '/problems/user-unreachable', status: 503 },
        { user: bob.user, version: 1 },
      ]);
      wake();
      expect(await report([update])).toMatchObject([{ version: 1 }]);
    } finally {
      Object.assign(ROUTE_LIMITS, { batchTimeout });
    }
  });

  it('takes a whole batch of different users', async () => {
    const updates = Array.from({ length: 200 }, () => newStream('user').next(say.online()));
    expect(new Set((await report(updates)).map(({ verdict }) => verdict))).toEqual(new Set(['accepted']));
    expect((await request(`/v1/presence/${updates[199]?.user}`)).status).toBe(200);
  });
});
