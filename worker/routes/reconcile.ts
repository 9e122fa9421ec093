import type { Context } from 'hono';
import type * as z from 'zod';
import { boardObject, siteObject } from '../objects/places.ts';
import { differing } from '../presence/index.ts';
import { LIMITS, PROTOCOL_VERSION, type ReconcileAnswer } from '../protocol/index.ts';
import { type AppEnv, covers, holdsLease, mayRead } from './auth.ts';
import { invalidBody, jsonObject } from './body.ts';
import { leaseDuration, noteLease } from './leases.ts';
import { answer, type Problem, problem } from './problem.ts';
import { doneSchema, pageSchema, siteSchema, stopSchema } from './schema/reconcile.ts';

type SiteContext = Context<AppEnv, '/v1/sites/:site/reconcile'> | Context<AppEnv, '/v1/sites/:site/stop'>;

/**
 * `POST /v1/sites/{site}/reconcile`: a site that was away compares, by digests, what it holds with what is recorded of it, and is told who
 * differs. What is recorded is read from the boards, so that no user's object is woken.
 */
export async function postReconcile(c: SiteContext): Promise<Response> {
  const read = await readRequest<z.infer<typeof doneSchema> | z.infer<typeof pageSchema>>(c, (body) =>
    'done' in body ? doneSchema : pageSchema,
  );
  if (!read.ok) return read.response;
  const { site } = read;
  const claims = c.get('claims');
  const object = siteObject(c.env, site);
  const now = Date.now();
  const duration = leaseDuration(c.env.SITE_LEASE);
  if ('done' in read.body) {
    const lease = await object.reconciled(read.site, read.body.epoch, read.body.done, duration);
    noteLease(site, lease, now);
    return c.json({ lease, differ: [], more: false } satisfies ReconcileAnswer);
  }
  const { epoch, from, to, users } = read.body;
  const lease = await object.renew(site, epoch, [], duration);
  noteLease(site, lease, now);
  if (lease.state === 'superseded') return c.json({ lease, differ: [], more: false } satisfies ReconcileAnswer);
  const boards = (await object.boards()).filter((board) => covers(claims, board.slice(0, board.lastIndexOf('#'))));
  const held = await Promise.all(boards.map((board) => boardObject(c.env, board).held(site, from, to)));
  const differ = differing(
    users,
    held.flat().filter(({ user }) => mayRead(claims, user)),
  );
  const named = differ.slice(0, LIMITS.reconcileDiffer);
  return c.json({ lease, differ: named, more: named.length < differ.length } satisfies ReconcileAnswer);
}

/** `POST /v1/sites/{site}/stop`: the last word of a site that stops as planned. */
export async function postStop(c: SiteContext): Promise<Response> {
  const read = await readRequest(c, () => stopSchema);
  if (!read.ok) return read.response;
  const { site, body } = read;
  const duration = leaseDuration(c.env.SITE_LEASE);
  const lease = await siteObject(c.env, site).stop(site, body.epoch, body.states === 'leave', duration);
  noteLease(site, lease, Date.now());
  return c.json({ lease, differ: [], more: false } satisfies ReconcileAnswer);
}

type ReadBody<T> =
  | { readonly ok: true; readonly site: string; readonly body: T }
  | { readonly ok: false; readonly response: Response };

/** The site of a request, as far as its token is for it, and the body as the schema that fits it says. */
async function readRequest<T>(c: SiteContext, schema: (body: object) => z.ZodType<T>): Promise<ReadBody<T>> {
  const refused = (told: Problem): ReadBody<T> => ({ ok: false, response: answer(c, told) });
  const site = siteSchema.safeParse(c.req.param('site'));
  if (!site.success) return refused(problem('bad-parameter', 'site: is no name of a site', 'site'));
  if (!holdsLease(c.get('claims'), site.data)) {
    return refused(problem('other-site', 'the token is for another site, or is of some domains and names no site', 'site'));
  }
  const body = await jsonObject(c);
  if (body === undefined) return refused(problem('not-json', 'the body is not a JSON object'));
  if (body.version !== PROTOCOL_VERSION) {
    return refused(problem('unknown-version', `only version ${PROTOCOL_VERSION} is understood`, 'version'));
  }
  const read = schema(body).safeParse(body);
  return read.success ? { ok: true, site: site.data, body: read.data } : refused(invalidBody(read.error));
}
