import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import type { Board } from '../../worker/objects/board.ts';
import { newDomain, newStream, report, say } from './support/client.ts';
import { boardObject, hang, userObject } from './support/objects.ts';
import { hookObject, makeWebhook, Receiver, webhook } from './support/receiver.ts';
import { TestWatcher } from './support/watcher.ts';

type Stage = Awaited<ReturnType<typeof stage>>;

/** Two users of one board, each of a site of their own, a webhook that has heard of both, and a watcher: so news are told before they are stored. */
async function stage() {
  const [domain, siteA, siteB] = [newDomain(), crypto.randomUUID(), crypto.randomUUID()];
  const a = newStream('a', domain);
  const board = boardObject(a.user);
  let b = newStream('b', domain);
  for (let i = 0; !boardObject(b.user).id.equals(board.id); i++) b = newStream(`b${i}`, domain);
  const receiver = new Receiver();
  const watcher = await TestWatcher.open(`domain=${domain}`);
  const { id } = await makeWebhook({ url: receiver.url, domain });
  await report([a.next(say.online())], siteA);
  await report([b.next(say.online())], siteB);
  await expect.poll(() => receiver.deliveries.length).toBe(2);
  await expect.poll(async () => (await webhook(id)).queue.waiting).toBe(0);
  const told = () =>
    receiver.deliveries.slice(2).map(({ event: { data } }) => `${data.user === a.user ? 'a' : 'b'} ${data.status} ${data.stale}`);
  return { a, b, board, receiver, watcher, siteA, siteB, id, told };
}

/** User a begins to talk; once watchers were told, and before that is stored, something else happens to the board. */
async function meanwhile({ a, board, siteA }: Stage, act: (board: Board) => void): Promise<void> {
  const { handover } = await userObject(a.user).apply(a.user, siteA, [a.next(say.talking('c1'))]);
  await runInDurableObject(board, async (instance) => {
    const stored = instance.put(handover?.changes ?? []);
    act(instance);
    await stored;
  });
}

describe('Offhook boards: what happens between telling watchers and storing it', () => {
  it('leaves webhooks every change, in its order, where another site is lost', async () => {
    const of = await stage();
    await meanwhile(of, (board) => board.siteStands(of.siteB, Date.now()));
    await expect.poll(of.told).toEqual(['a talking false', 'b available true']);
    of.watcher.socket.close();
  });

  it("leaves webhooks the loss of the user's own site as the last word", async () => {
    const of = await stage();
    const wake = await hang(hookObject(of.id), 'take');
    await report([of.b.next(say.talking('c9'))], of.siteB);
    await meanwhile(of, (board) => board.siteStands(of.siteA, Date.now()));
    wake();
    await expect.poll(() => of.told().at(-1)).toBe('a talking true');
    of.watcher.socket.close();
  });

  it('tells webhooks nothing of a user whose data are deleted', async () => {
    const of = await stage();
    const wake = await hang(hookObject(of.id), 'take');
    await report([of.b.next(say.talking('c9'))], of.siteB);
    await meanwhile(of, (board) => void board.forget(of.a.user, 99));
    await report([of.b.next(say.idle('c9'))], of.siteB);
    wake();
    await expect.poll(of.told).toEqual(['b talking false', 'b available false']);
    of.watcher.socket.close();
  });
});
