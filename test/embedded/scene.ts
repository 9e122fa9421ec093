import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Stream, words } from '../presence/support/site.ts';
import { until } from '../support/until.ts';
import type { Asker } from './asking.ts';

/** What there is for operations to be about. */
export interface Scene {
  readonly domain: string;
  /** Online and talking; of `gone` as much is known, and it may be deleted. */
  readonly user: string;
  readonly gone: string;
  /** A webhook of the domain, and one to be deleted; a callback that waits, and one to be deleted: their ids. */
  readonly webhook: string;
  readonly webhookGone: string;
  /** A webhook whose receiver answers when it is told to: resolves when it was asked. */
  readonly webhookSlow: string;
  readonly slow: { readonly asked: Promise<void>; answer(): void };
  readonly watch: string;
  readonly watchGone: string;
  /** The id of an event that the webhook delivered. */
  readonly event: string;
  /** Where what is delivered is taken. */
  readonly receiver: string;
  /** The next update of the user. */
  update(): object;
  close(): void;
}

export const SITE = 'office';

/** Makes it, by what the Worker itself answers. */
export async function makeScene(asker: Asker): Promise<Scene> {
  const domain = 'operations.example';
  const [alice, gone] = [new Stream(`sip:alice@${domain}`, Date.now), new Stream(`sip:gone@${domain}`, Date.now)];
  const say = words(Date.now);
  const events: string[] = [];
  const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const server = createServer(async (request, response) => {
    // What is not as declared is not taken, and tried again: whoever waits for it, waits in vain.
    const text = Buffer.concat(await request.toArray()).toString();
    const breach = asker.breachOfEvent(text);
    if (breach === undefined && request.url === '/kept') events.push(String(request.headers['webhook-id']));
    if (request.url === '/slow') {
      asked.resolve();
      await answered.promise;
    }
    response.writeHead(breach === undefined ? 204 : 400).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const receiver = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const make = async (id: string, asked: Parameters<Asker['ask']>[1]): Promise<string> => {
    const { json, text } = await asker.ask(id, { scopes: ['read', 'write'], ...asked });
    const made = (json as { id?: string }).id;
    if (made === undefined) throw new Error(`${id}: ${text}`);
    return made;
  };
  const webhook = (path: string, of = domain) => make('createWebhook', { body: { url: receiver + path, domain: of } });
  const watch = () => make('postWatch', { path: { user: alice.user }, body: { until: 'dnd', callback: receiver } });
  const report = (updates: readonly object[]) =>
    asker.ask('postUpdates', { body: { version: 1, site: SITE, sentAt: Date.now(), updates } });
  const ids = [await webhook('kept'), await webhook('gone'), await webhook('slow', 'slow.example')] as const;
  await report([alice.next(say.online()), alice.next(say.talking('c1')), gone.next(say.online())]);
  return {
    domain,
    user: alice.user,
    gone: gone.user,
    webhook: ids[0],
    webhookGone: ids[1],
    webhookSlow: ids[2],
    slow: { asked: asked.promise, answer: answered.resolve },
    watch: await watch(),
    watchGone: await watch(),
    event: await until('an event', () => events[0]),
    receiver,
    update: () => alice.next(say.talking('c1', { held: true })),
    close: () => end(server),
  };
}

function end(server: Server): void {
  server.closeAllConnections();
  server.close();
}
