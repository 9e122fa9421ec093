import type { Context } from 'hono';
import { boardObject } from '../objects/places.ts';
import { differing } from '../presence/index.ts';
import { LIMITS, PROTOCOL_VERSION, type ReconcileAnswer } from '../protocol/index.ts';
import { type AppEnv, covers } from './auth.ts';
import { jsonObject } from './body.ts';
import { finding } from './field.ts';
import { leaseDuration, noteLease } from './leases.ts';
import { answer, problem } from './problem.ts';
import { doneSchema, pageSchema, siteSchema } from './schema/reconcile.ts';

type SiteContext = Context<AppEnv, '/v1/sites/:site/reconcile'>;

/**
 * `POST /v1/sites/{site}/reconcile`: a site that was away compares, by digests, what it holds with what is recorded of it, and is told who
 * differs. What is recorded is read from the boards, so that no user's object is woken.
 */
export async function postReconcile(c: SiteContext): Promise<Response> {
  const site = siteSchema.safeParse(c.req.param('site'));
  if (!site.success) return answer(c, problem('bad-parameter', 'site: is no name of a site', 'site'));
  const claims = c.get('claims');
  if (claims.site !== undefined && claims.site !== site.data) {
    return answer(c, problem('other-site', 'the token is for another site', 'site'));
  }
  const body = await jsonObject(c);
  if (body === undefined) return answer(c, problem('not-json', 'the body is not a JSON object'));
  if (body.version !== PROTOCOL_VERSION) {
    return answer(c, problem('unknown-version', `only version ${PROTOCOL_VERSION} is understood`, 'version'));
  }
  const read = ('done' in body ? doneSchema : pageSchema).safeParse(body);
  if (!read.success) {
    const { field, reason } = finding(read.error);
    return answer(c, problem('invalid-body', `${field}: ${reason}`, field));
  }
  const object = c.env.SITE.getByName(site.data);
  const now = Date.now();
  const duration = leaseDuration(c.env.SITE_LEASE);
  if ('done' in read.data) {
    const lease = await object.reconciled(read.data.epoch, read.data.done, duration);
    noteLease(site.data, lease, now);
    return c.json({ lease, differ: [], more: false } satisfies ReconcileAnswer);
  }
  const { epoch, from, to, users } = read.data;
  const lease = await object.renew(epoch, [], duration);
  noteLease(site.data, lease, now);
  if (lease.state === 'superseded') return c.json({ lease, differ: [], more: false } satisfies ReconcileAnswer);
  const boards = (await object.boards()).filter((board) => covers(claims, board.slice(0, board.lastIndexOf('#'))));
  const held = await Promise.all(boards.map((board) => boardObject(c.env, board).held(site.data, from, to)));
  const differ = differing(users, held.flat());
  const named = differ.slice(0, LIMITS.reconcileDiffer);
  return c.json({ lease, differ: named, more: named.length < differ.length } satisfies ReconcileAnswer);
}
