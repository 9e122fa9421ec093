/** The Worker as it is, and a way to put users on boards without objects of their own: for what boards alone answer. */

import type { Env } from '../../../worker/env.ts';
import type { BoardChange } from '../../../worker/objects/board-feed.ts';
import { boardObject } from '../../../worker/objects/places.ts';
import { boardOf, shardCount } from '../../../worker/objects/shard.ts';
import { app } from '../../../worker/routes/app.ts';

/** The Worker's own face, and `PUT /listed`: changes (`BoardChange[]`), each of which is told to its user's board as a batch of updates is. */
export async function fetchListed(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
  if (new URL(request.url).pathname !== '/listed') return app.fetch(request, env, context);
  const byBoard = new Map<string, BoardChange[]>();
  for (const change of (await request.json()) as BoardChange[]) {
    const board = boardOf(change.user, shardCount(env.BOARD_SHARDS));
    byBoard.set(board, [...(byBoard.get(board) ?? []), change]);
  }
  await Promise.all([...byBoard].map(([board, changes]) => boardObject(env, board).put(changes)));
  return new Response(null, { status: 204 });
}
