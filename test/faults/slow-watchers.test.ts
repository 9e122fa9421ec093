import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TerminalReport } from '#protocol';
import { Stream, words } from '../presence/support/site.ts';
import { events, ready, versionsOf, webSocket } from '../support/feed-client.ts';
import { type RunningWorker, startWorker } from '../support/product.ts';
import { until } from '../support/until.ts';

const say = words(Date.now);
/** Enough that it fills every buffer between the Worker and a client that does not read. */
const CHANGES = 600;

let worker: RunningWorker;
let token: string;
beforeAll(async () => {
  worker = await startWorker();
  token = await worker.token('read', 'ingest');
}, 30_000);
afterAll(() => worker?.close());

/** A user with as many telephones as one may have, each with a long name: a document of some 35 kB. */
async function wordy(user: string): Promise<Stream> {
  const stream = new Stream(user, Date.now);
  const terminals = Array.from({ length: 32 }, (_, i): TerminalReport => {
    const contact = `sip:${String(i).padStart(2, '0')}${'x'.repeat(400)}@192.0.2.1`;
    return say.terminal(contact, { userAgent: 'y'.repeat(500) });
  });
  await report([stream.next(say.snapshot(terminals, []))]);
  return stream;
}

async function report(updates: readonly unknown[]): Promise<void> {
  const response = await fetch(`${worker.url}/v1/updates`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ version: 1, site: 'office', sentAt: Date.now(), updates }),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}

/** So many changes of a user: calls, one after the other. */
async function change(stream: Stream): Promise<void> {
  for (let i = 0; i < CHANGES; i += 20) {
    const updates = Array.from({ length: 20 }, (_, n) => {
      const id = `c${Math.floor((i + n) / 2)}`;
      return stream.next(n % 2 === 0 ? say.talking(id) : say.idle(id));
    });
    await report(updates);
  }
}

describe('Offhook faults: a watcher that stops reading, by real sockets', { timeout: 60_000 }, () => {
  it.each([
    ['WebSocket of one board', 'user', webSocket],
    ['WebSocket over all boards', 'domain', webSocket],
    ['server-sent events', 'domain', events],
  ] as const)('is cut with a reason, goes on from its cursor, and holds up nobody (%s)', async (name, kind, open) => {
    const domain = `${name.replaceAll(' ', '-')}.example`.toLowerCase();
    const alice = await wordy(`sip:alice@${domain}`);
    const query = kind === 'user' ? `user=${alice.user}` : `domain=${domain}`;
    const [slow, healthy, other] = [
      open(worker.url, token, query),
      webSocket(worker.url, token, query),
      events(worker.url, token, query),
    ];
    await until('all are told who is there', () => [slow, healthy, other].every(ready));
    slow.pause();
    await change(alice);
    // Everything reaches the others while the slow one reads nothing.
    await until('the others have everything', () => [healthy, other].every((client) => versionsOf(client).length === CHANGES));
    expect(versionsOf(slow)).toEqual([]);
    expect([healthy.closed, other.closed]).toEqual([undefined, undefined]);
    slow.resume();
    await until('it is told why it was cut', () => slow.closed !== undefined);
    expect(slow.closed).toMatchObject({ code: 4008, reason: 'too slow: too much is not read' });
    const seen = versionsOf(slow);
    expect(seen.length).toBeLessThan(CHANGES);

    const again = open(worker.url, token, query, slow.frames.at(-1)?.cursor);
    await until('it has caught up', () => versionsOf(again).at(-1) === CHANGES + 1);
    expect(again.frames[0]).toMatchObject({ type: 'resumed' });
    // Without a double; and without a gap, unless it says that only the newest is told.
    const all = [...seen, ...versionsOf(again)];
    if (again.frames[0]?.type === 'resumed' && again.frames[0].exact) {
      expect(all).toEqual(Array.from({ length: CHANGES }, (_, i) => i + 2));
    } else expect(all).toEqual(all.toSorted((a, b) => a - b));
    for (const client of [healthy, other, again]) client.leave();
  });
});
