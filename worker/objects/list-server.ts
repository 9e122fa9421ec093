import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import { OBJECT_LIMITS } from './limits.ts';
import { listQuery } from './list-query.ts';
import { discard, openBoards } from './open-boards.ts';
import { type Opener, openerOf } from './opener.ts';
import { Readers } from './readers.ts';
import { boardsOf } from './shard.ts';
import { Timer } from './timer.ts';
import { Trunk } from './trunk.ts';
import { MISSED } from './watch-query.ts';
import { type Swept, WatchSweep } from './watch-sweep.ts';

interface Watch extends Omit<Swept, 'socket'> {
  readonly trunk: Trunk;
}

/**
 * Those who watch the whole of a domain that has several boards: a list server (RFC 4662) watches the boards once for all of them. It stores nothing,
 * and does not sleep while anybody watches: should it end, so do its sockets, and whoever watches comes again, from their cursor.
 */
export class ListServer extends DurableObject<Env> {
  readonly #readers = new Readers((socket) => this.#forget(socket));
  readonly #watches = new Map<WebSocket, Watch>();
  /** By what all cursors of their watchers begin with: it stands for the boards and for what may be seen. */
  readonly #trunks = new Map<string, Trunk>();
  readonly #sweep: WatchSweep;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const timer = new Timer(() => this.#sweep.alarm(Date.now()));
    const watches = () => [...this.#watches].map(([socket, { until, opener }]) => ({ socket, until, opener }));
    this.#sweep = new WatchSweep(env, timer, watches, (socket, code, reason) => this.#readers.close(socket, code, reason));
  }

  /** How many watch. */
  counts(): { readonly watches: number } {
    return { watches: this.#watches.size };
  }

  /** Something was revoked: closes the watches of which it is the token; how many stay. */
  sweep(): Promise<number> {
    return this.#sweep.sweep(Date.now());
  }

  /** Opens a watcher's socket (see `listUrl`); 503 where there is no room, here or at a board. */
  override async fetch(request: Request): Promise<Response> {
    const opener = openerOf(request);
    const { domain, shards, detail, until, head, begin } = listQuery(new URL(request.url));
    if (this.#isFull(opener)) return new Response(null, { status: 503 });
    const boards = new Map(boardsOf(domain, shards).map((board) => [board, undefined]));
    const watched = { boards, detail, until: null, head };
    const watch = await openBoards(this.env, { ...watched, begin });
    if (watch === undefined || this.#isFull(opener)) {
      for (const socket of watch?.sockets ?? []) discard(socket);
      return new Response(null, { status: 503 });
    }
    const trunk =
      this.#trunks.get(head) ??
      new Trunk(
        head,
        this.#readers,
        (marks) => openBoards(this.env, { ...watched, begin: { marks } }),
        () => Date.now(),
      );
    this.#trunks.set(head, trunk);
    const { 0: client, 1: server } = new WebSocketPair();
    this.#watches.set(server, { trunk, until, opener });
    this.#readers.accept(server);
    this.#readers.allow(server, 2 * watch.missed);
    trunk.admit(server, watch);
    this.#sweep.opened(Date.now());
    // From its first sweep on it is told of what is revoked. Should this one fail, the next comes by the timer.
    if (this.#watches.size === 1) this.ctx.waitUntil(this.sweep().catch(() => {}));
    return new Response(null, { status: 101, webSocket: client, headers: { [MISSED]: String(watch.missed) } });
  }

  #forget(socket: WebSocket): void {
    const trunk = this.#watches.get(socket)?.trunk;
    this.#watches.delete(socket);
    trunk?.leave(socket);
    for (const [head, { size }] of this.#trunks) if (size === 0) this.#trunks.delete(head);
  }

  #isFull(opener: Opener | undefined): boolean {
    if (this.#watches.size >= OBJECT_LIMITS.watchers) return true;
    if (opener?.jti === undefined) return false;
    let own = 0;
    for (const watch of this.#watches.values()) if (watch.opener?.jti === opener.jti) own += 1;
    return own >= OBJECT_LIMITS.watchersByToken;
  }
}
