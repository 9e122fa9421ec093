import type { Context } from 'hono';
import type { Env } from '../env.ts';
import { logError } from '../log.ts';
import { userObject } from '../objects/places.ts';
import { boardOf, shardCount } from '../objects/shard.ts';
import type { Applied } from '../objects/user.ts';
import { clockShift, shiftTimes } from '../presence/index.ts';
import {
  type LeaseAnswer,
  LIMITS,
  PROTOCOL_VERSION,
  type TokenClaims,
  type Update,
  type UpdateAnswer,
  type Verdict,
} from '../protocol/index.ts';
import { type AppEnv, holdsLease, mayRead, uncovered } from './auth.ts';
import { BoardPost } from './board-post.ts';
import { invalidBody, jsonObject } from './body.ts';
import { concurrently } from './concurrently.ts';
import { finding } from './field.ts';
import { isLatest, renewLease } from './leases.ts';
import { ROUTE_LIMITS } from './limits.ts';
import { countVerdicts } from './metrics.ts';
import { answer, problem } from './problem.ts';
import { batchSchema } from './schema/batch.ts';
import { updateSchema } from './schema/update.ts';
import { type TimeLimit, timeLimit } from './time-limit.ts';

/** An item of the batch that goes to a user's object, with its place in the batch. */
interface Item {
  readonly index: number;
  readonly update: Update;
}

/** `POST /v1/updates`: a batch of a site, each item answered with its own verdict. */
export async function postUpdates(c: Context<AppEnv>): Promise<Response> {
  const body = await jsonObject(c);
  if (body === undefined) return answer(c, problem('not-json', 'the body is not a JSON object'));
  if (body.version !== PROTOCOL_VERSION) {
    return answer(c, problem('unknown-version', `only version ${PROTOCOL_VERSION} is understood`, 'version'));
  }
  const batch = batchSchema.safeParse(body);
  if (!batch.success) return answer(c, invalidBody(batch.error));
  const { site, epoch, sentAt, updates } = batch.data;
  if (updates.length > LIMITS.batchUpdates) {
    return answer(c, problem('too-many-items', `more than ${LIMITS.batchUpdates} updates`, 'updates'));
  }
  const claims = c.get('claims');
  if (claims.site !== undefined && claims.site !== site)
    return answer(c, problem('other-site', 'the token is for another site', 'site'));

  const results = new Array<Verdict>(updates.length);
  const byUser = new Map<string, Item[]>();
  const shift = clockShift(sentAt, Date.now());
  const leased = holdsLease(claims, site);
  updates.forEach((value, index) => {
    const read = readItem(value, index, claims, leased);
    if (!read.ok) {
      results[index] = read.verdict;
      return;
    }
    const item = { index, update: shiftTimes(read.update, shift) };
    const items = byUser.get(read.update.user);
    if (items === undefined) byUser.set(read.update.user, [item]);
    else items.push(item);
  });
  const shards = shardCount(c.env.BOARD_SHARDS);
  const users = [...byUser].map(([user, items]) => ({ user, items, board: boardOf(user, shards) }));
  const boards = users.map(({ board }) => board);
  const renewal = leased ? renewLease(c.env, site, epoch, new Set(boards)) : Promise.resolve(undefined);
  // An incarnation that may be an old one is looked at before its word changes anything.
  const first = epoch === undefined || isLatest(c.env, site, epoch) ? undefined : await renewal;
  if (first?.state === 'superseded') return c.json(superseded(first, byUser, results));
  const limit = timeLimit(ROUTE_LIMITS.batchTimeout);
  const post = new BoardPost(c.env, boards);
  await concurrently(users, ROUTE_LIMITS.concurrency, async ({ user, items, board }) => {
    const updates = items.map(({ update }) => update);
    const verdicts = await apply(updates, limit, () => applyAndShow(c.env, post, board, user, site, updates));
    items.forEach(({ index }, i) => {
      results[index] = placed(verdicts[i] as Verdict, index);
    });
  });
  limit.clear();
  countVerdicts(results);
  const lease = await renewal;
  return c.json({ results, ...(lease === undefined ? {} : { lease }) } satisfies UpdateAnswer);
}

/** A later incarnation of the site was heard: this one changes nothing, not even for users of whom the later one has said nothing yet. */
function superseded(
  lease: LeaseAnswer,
  byUser: ReadonlyMap<string, readonly Item[]>,
  results: (Verdict | undefined)[],
): UpdateAnswer {
  for (const { index, update } of [...byUser.values()].flat()) {
    results[index] = { sequence: update.sequence, verdict: 'stale', last: { epoch: lease.epoch, sequence: 0 } };
  }
  return { results: results as Verdict[], lease };
}

type Read = { readonly ok: true; readonly update: Update } | { readonly ok: false; readonly verdict: Verdict };

function readItem(value: unknown, index: number, claims: TokenClaims, leased: boolean): Read {
  const read = updateSchema.safeParse(value);
  if (!read.success) {
    return {
      ok: false,
      verdict: { sequence: sequenceOf(value), verdict: 'rejected', ...finding(read.error, `updates[${index}]`) },
    };
  }
  const { user, sequence } = read.data;
  if (!mayRead(claims, user)) {
    return {
      ok: false,
      verdict: { sequence, verdict: 'rejected', field: `updates[${index}].user`, reason: uncovered(user).detail },
    };
  }
  const endless = leased ? undefined : endlessOf(read.data);
  if (endless !== undefined) {
    return { ok: false, verdict: { sequence, verdict: 'rejected', field: `updates[${index}].${endless}`, reason: NO_LEASE } };
  }
  return { ok: true, update: read.data };
}

const NO_LEASE = 'is needed: the token holds no lease of the site (it names none), so nothing else would ever end it';

/** The field by which an update tells of a terminal without an end; undefined where it tells of none. */
function endlessOf(update: Update): string | undefined {
  if (update.status === 'online') return update.terminal.expires === null ? 'terminal.expires' : undefined;
  const at = update.status === 'snapshot' ? update.terminals.findIndex(({ expires }) => expires === null) : -1;
  return at < 0 ? undefined : `terminals[${at}].expires`;
}

/** The sequence that a bad item claims, or 0 where it has none: results are told apart by their order. */
function sequenceOf(value: unknown): number {
  const sequence = typeof value === 'object' && value !== null && 'sequence' in value ? value.sequence : undefined;
  return typeof sequence === 'number' && Number.isSafeInteger(sequence) ? sequence : 0;
}

/** The verdicts of a user's object; `retry` for all updates where it gives none in time. It may have stored them then: they come again. */
async function apply(
  updates: readonly Update[],
  limit: TimeLimit,
  ask: () => Promise<readonly Verdict[]>,
): Promise<readonly Verdict[]> {
  try {
    const verdicts = limit.isOver ? undefined : await limit.within(ask());
    if (verdicts !== undefined) return verdicts;
    logError('a user was not updated in time');
  } catch (error) {
    logError('a user could not be updated', error);
  }
  return updates.map(({ sequence }) => ({ sequence, verdict: 'retry', reason: 'the user could not be reached in time' }));
}

/** Has the updates stored, and the board told: by this request, or where that fails by the user's object. */
async function applyAndShow(
  env: Env,
  post: BoardPost,
  board: string,
  user: string,
  site: string,
  updates: readonly Update[],
): Promise<readonly Verdict[]> {
  const object = userObject(env, user);
  let applied: Applied;
  try {
    applied = await object.apply(user, site, updates);
  } catch (error) {
    post.pass(board);
    throw error;
  }
  const { verdicts, handover } = applied;
  if (handover === undefined) post.pass(board);
  else if (!(await post.put(board, handover))) await object.show();
  return verdicts;
}

/** A field that an object names is one of the item; `site` is the batch's own. */
function placed(verdict: Verdict, index: number): Verdict {
  if (verdict.verdict !== 'rejected' || verdict.field === 'site') return verdict;
  return { ...verdict, field: `updates[${index}].${verdict.field}` };
}
