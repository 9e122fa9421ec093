import { evictDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import type { Update } from '../../worker/protocol/index.ts';
import { newDomain, newStream, okay, presence, report, request, say } from './support/client.ts';
import { userObject } from './support/objects.ts';
import { TestWatcher } from './support/watcher.ts';

/** The streams of several sites about one user. */
function streams(count: number) {
  const first = newStream('alice', newDomain());
  const others = Array.from({ length: count - 1 }, () => newStream('alice'));
  return [first, ...others].map((stream) => ({
    user: first.user,
    next: (word: Parameters<typeof stream.next>[0]): Update => ({ ...stream.next(word), user: first.user }),
  }));
}

const HOUR = 3_600_000;

describe('Offhook one user at several sites', () => {
  it('takes what two sites report at the same instant, each once, in one order for everybody', async () => {
    const sites = streams(2);
    const [a, b] = sites as [(typeof sites)[0], (typeof sites)[0]];
    const watcher = await TestWatcher.open(`user=${a.user}`);
    const told = await Promise.all([
      report([a.next(say.online('sip:a@1')), a.next(say.talking('c1'))], 'site-a'),
      report([b.next(say.online('sip:a@2')), b.next(say.early('c1'))], 'site-b'),
    ]);
    expect(told.flat().map(({ verdict }) => verdict)).toEqual(new Array(4).fill('accepted'));
    // One name of a call at two sites is two calls.
    expect((await presence(a.user)).calls.map(({ site, id, state }) => `${site} ${id} ${state}`).sort()).toEqual([
      'site-a c1 confirmed',
      'site-b c1 early',
    ]);
    expect((await watcher.changes(4)).map(({ version }) => version)).toEqual([1, 2, 3, 4]);
    await Promise.all([report([a.next(say.idle('c1'))], 'site-a'), report([b.next(say.talking('c1'))], 'site-b')]);
    expect(await presence(a.user)).toMatchObject({ status: 'talking', version: 6 });
    watcher.socket.close();
  });

  it.each([false, true])('leaves what others told where one site starts anew (evicted between: %s)', async (evicted) => {
    const sites = streams(3);
    const [a, b, again] = sites as [(typeof sites)[0], (typeof sites)[0], (typeof sites)[0]];
    await report([a.next(say.online('sip:a@1')), a.next(say.talking('c1'))], 'site-a');
    await report([b.next(say.online('sip:a@2')), b.next(say.talking('c1'))], 'site-b');
    if (evicted) await evictDurableObject(userObject(a.user));
    const anew = { ...again.next(say.snapshot([], [])), epoch: Date.now() + 1_000 };
    expect(await report([anew], 'site-a')).toMatchObject([{ verdict: 'accepted' }]);
    expect(await presence(a.user)).toMatchObject({
      status: 'talking',
      terminals: [{ site: 'site-b', contact: 'sip:a@2' }],
      calls: [{ site: 'site-b', id: 'c1' }],
    });
    expect(await report([b.next(say.idle('c1'))], 'site-b')).toMatchObject([{ verdict: 'accepted' }]);
    expect(await presence(a.user)).toMatchObject({ status: 'available', terminalStatus: 'online' });
  });

  it('believes no word of an incarnation before the newest, also where its clock was put back', async () => {
    const sites = streams(2);
    const [now, old] = sites as [(typeof sites)[0], (typeof sites)[0]];
    await report([now.next(say.online()), now.next(say.talking('c1'))]);
    const before = await presence(now.user);
    const epoch = Date.now() - 10 * HOUR;
    const verdicts = await report([
      { ...old.next(say.snapshot([], [])), epoch },
      { ...old.next(say.offline()), epoch },
    ]);
    expect(verdicts).toMatchObject([
      { verdict: 'stale', last: { sequence: 2 } },
      { verdict: 'stale', last: { sequence: 2 } },
    ]);
    expect(await presence(now.user)).toEqual(before);
    // It learns of the later epoch by the verdict, begins above it, and is heard.
    const last = verdicts[0] as { last: { epoch: number } };
    const next = { ...old.next(say.snapshot([], [])), epoch: last.last.epoch + 1, sequence: 1, previous: 0 };
    expect(await report([next])).toMatchObject([{ verdict: 'accepted', version: before.version + 1 }]);
    expect(await presence(now.user)).toMatchObject({ status: 'offline' });
  });

  it('puts the times of each site right by its own clock: ten minutes ahead and ten behind mean the same', async () => {
    const sites = streams(2);
    const offsets = [10 * 60_000, -10 * 60_000];
    const now = Date.now();
    for (const [n, site] of sites.entries()) {
      const time = now + (offsets[n] as number);
      const terminal = say.terminal(`sip:a@${n}`, { since: time, expires: time + HOUR });
      await report(
        [{ ...site.next({ status: 'online', terminal }), at: time }],
        `site-${n}`,
        Date.now() + (offsets[n] as number),
      );
    }
    const { terminals } = await presence(sites[0]?.user as string);
    for (const { since, expires } of terminals) {
      expect(Math.abs(Date.parse(since) - now)).toBeLessThan(60_000);
      expect(Math.abs(Date.parse(expires ?? '') - now - HOUR)).toBeLessThan(60_000);
    }
    expect(terminals).toHaveLength(2);
  });

  it('ends what expires at one site, and what another tells of stands', async () => {
    const sites = streams(2);
    const [a, b] = sites as [(typeof sites)[0], (typeof sites)[0]];
    await report([a.next(say.online('sip:a@1', { expires: Date.now() + 1_000 }))], 'site-a');
    await report([b.next(say.online('sip:a@2', { expires: Date.now() + HOUR }))], 'site-b');
    await expect
      .poll(async () => (await presence(a.user)).terminals.map(({ site }) => site), { timeout: 10_000 })
      .toEqual(['site-b']);
    expect(await presence(a.user)).toMatchObject({ status: 'available', version: 3 });
  });
});

describe('Offhook a poison update', () => {
  it('is refused alone and does not hold up the later ones of its user, nor anybody else', async () => {
    const [alice, bob] = [newStream('alice'), newStream('bob')];
    // Nothing that the route lets pass makes the object fail, as far as is known: so the object is given what it is not made for.
    const poison = { ...alice.next(say.talking('c1')), call: null } as unknown as Update;
    const given = () => userObject(alice.user).apply(alice.user, 'site-a', [poison]);
    for (let again = 0; again < 2; again++) expect((await given()).verdicts).toMatchObject([{ verdict: 'rejected' }]);
    expect((await request(`/v1/presence/${alice.user}`)).status).toBe(404);
    expect(await report([alice.next(say.online()), bob.next(say.online())])).toMatchObject([
      { verdict: 'gap', last: null },
      { verdict: 'accepted' },
    ]);
    const healed = await report([alice.next(say.snapshot([say.terminal()], [])), alice.next(say.talking('c2'))]);
    expect(healed).toMatchObject([{ verdict: 'accepted' }, { verdict: 'accepted' }]);
    expect(await presence(alice.user)).toMatchObject({ status: 'talking' });
  });

  it('is one, too, that would make the record too long to be stored', async () => {
    const alice = newStream('alice');
    const media = new Array(8).fill({ type: '\u0001'.repeat(512), codec: '\u0001'.repeat(512) });
    const verdicts: string[] = [];
    for (let n = 0; n < 60; n += 10) {
      const some = Array.from({ length: 10 }, (_, i) => alice.next(say.early(`c${n + i}`, { media })));
      verdicts.push(...(await report(some)).map(({ verdict }) => verdict));
    }
    const first = verdicts.indexOf('rejected');
    expect(first).toBeGreaterThan(20);
    expect(new Set(verdicts.slice(0, first))).toEqual(new Set(['accepted']));
    expect(new Set(verdicts.slice(first + 1))).toEqual(new Set(['gap']));
    expect(await report([alice.next(say.snapshot([], []))])).toMatchObject([{ verdict: 'accepted' }]);
    expect((await okay<{ entries: object[] }>(await request(`/v1/presence/${alice.user}/history?limit=1`))).entries).toHaveLength(
      1,
    );
  });
});
