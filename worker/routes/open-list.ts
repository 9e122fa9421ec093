import type { Env } from '../env.ts';
import { listUrl } from '../objects/list-query.ts';
import { openerHeader } from '../objects/opener.ts';
import { listServerObject } from '../objects/places.ts';
import { listServerCount, listServersOf } from '../objects/shard.ts';
import { MISSED } from '../objects/watch-query.ts';
import type { AskedWatch } from './open-watch.ts';

/** A watch that a list server serves: of a whole domain that has several boards. */
export type ListedWatch = AskedWatch & { readonly domain: string };

/** Whether a list server serves it. */
export function isListed(asked: AskedWatch): asked is ListedWatch {
  return asked.domain !== undefined && asked.boards.size > 1;
}

/** The socket of a list server, and how much was missed, characters; undefined where there is no room. Each of a domain's list servers holds a part of the watchers, by chance. */
export async function openList(
  env: Env,
  asked: ListedWatch,
): Promise<{ readonly socket: WebSocket; readonly missed: number } | undefined> {
  const servers = listServersOf(asked.domain, listServerCount(env.LIST_SERVERS));
  const name = servers[Math.floor(Math.random() * servers.length)] as string;
  const { webSocket, headers } = await listServerObject(env, name).fetch(listUrl({ ...asked, shards: asked.boards.size }), {
    headers: { upgrade: 'websocket', ...(asked.claims && openerHeader(name, asked.claims)) },
  });
  return webSocket === null ? undefined : { socket: webSocket, missed: Number(headers.get(MISSED)) };
}
