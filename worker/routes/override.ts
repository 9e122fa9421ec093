import type { Context } from 'hono';
import { userObject } from '../objects/places.ts';
import type { Expected, Overridden } from '../objects/user.ts';
import { sameSource } from '../presence/index.ts';
import { canonicalAor, LIMITS, type OverrideDocument, type OverrideSource, type TokenClaims } from '../protocol/index.ts';
import { audit } from './audit.ts';
import { type AppEnv, detailOf } from './auth.ts';
import { readBody } from './body.ts';
import { coveredUser } from './covered.ts';
import { readQuery } from './parameters.ts';
import { answer, type Problem, problem } from './problem.ts';
import { overrideSchema, whoseSchema } from './schema/override.ts';

type OverrideContext = Context<AppEnv, '/v1/presence/:user/override'>;

/** `PUT /v1/presence/{user}/override`: a person's or an application's own word, in the place of the one that they had. */
export async function putOverride(c: OverrideContext): Promise<Response> {
  const user = coveredUser(c);
  if (user instanceof Response) return user;
  const read = await readBody(c, overrideSchema);
  if (read instanceof Response) return read;
  const expected = expectedOf(c.req.header('if-match'));
  if (expected === 'bad') return answer(c, badCondition());
  const { activity, note, expiresIn } = read;
  const source = sourceOf(read, user, c.get('claims'));
  const word = { source, activity, ...(note === undefined ? {} : { note }), lifetime: expiresIn * 1_000 };
  await audit(c, 'override.set', { user, note: activity, ...targetOf(source) });
  const done = await userObject(c.env, user).setOverride(user, word, expected);
  if (!done.ok) return answer(c, refusal(done), { etag: `"${done.version}"` });
  const set = done.overrides.find((override) => sameSource(override, source)) as OverrideDocument;
  return c.json(set, 200, { etag: `"${done.version}"` });
}

/** `DELETE /v1/presence/{user}/override`: takes it back; it is no error where there is none. */
export async function deleteOverride(c: OverrideContext): Promise<Response> {
  const user = coveredUser(c);
  if (user instanceof Response) return user;
  const query = readQuery(c, whoseSchema);
  if (query instanceof Response) return query;
  const expected = expectedOf(c.req.header('if-match'));
  if (expected === 'bad') return answer(c, badCondition());
  const source = sourceOf(query, user, c.get('claims'));
  await audit(c, 'override.clear', { user, ...targetOf(source) });
  const done = await userObject(c.env, user).clearOverride(user, source, expected);
  if (!done.ok) return answer(c, refusal(done), { etag: `"${done.version}"` });
  return c.body(null, 204, { etag: `"${done.version}"` });
}

/** `GET /v1/presence/{user}/override`: all that are set, side by side. */
export async function getOverrides(c: OverrideContext): Promise<Response> {
  const user = coveredUser(c);
  if (user instanceof Response) return user;
  const overrides = await userObject(c.env, user).overrides();
  if (overrides === null) return answer(c, problem('user-never-seen', `${user} was never seen`));
  const shown = detailOf(c.get('claims')) === 'busy-only' ? overrides.map(wordOf) : overrides;
  return c.json({ overrides: shown }, 200, { 'cache-control': 'private, no-cache' });
}

/** An override without whose it is and what they wrote: the words and times alone. */
function wordOf({ activity, since, expires, effective }: OverrideDocument) {
  return { activity, since, expires, effective };
}

/** Who speaks: as the request says, else the person where the token was made for them, else the application by the token's name. */
function sourceOf(
  { by, application }: { by?: OverrideSource['by'] | undefined; application?: string | undefined },
  user: string,
  { sub, jti }: TokenClaims,
): OverrideSource {
  const own = application === undefined && sub !== undefined && canonicalAor(sub) === user;
  if (by === 'person' || (by === undefined && own)) return { by: 'person' };
  const name = application ?? sub ?? jti ?? 'unnamed';
  return { by: 'application', application: name.slice(0, LIMITS.overrideApplication) };
}

function targetOf(source: OverrideSource): { target?: string } {
  return source.by === 'application' ? { target: source.application } : {};
}

// RFC 9110 13.1.1: "If the field value is "*", the condition is true if the origin server has a current representation"; tags are compared
// strongly, so a weak one never matches. What the tag of a stale document has beside the version (docs/leases.md) does not matter here.
function expectedOf(header: string | undefined): Expected | 'bad' {
  if (header === undefined) return undefined;
  if (header.trim() === '*') return 'any';
  const tags = header.split(',').map((tag) => tag.trim());
  if (!tags.every((tag) => /^(W\/)?"[\x21\x23-\x7e]*"$/.test(tag))) return 'bad';
  return tags.flatMap((tag) => /^"(\d{1,15})(?:[.-].*)?"$/.exec(tag)?.[1] ?? []).map(Number);
}

function badCondition(): Problem {
  return problem(400, 'if-match: is no list of entity tags', 'if-match');
}

function refusal({ reason, version }: Overridden & { ok: false }): Problem {
  if (reason === 'version') return problem('precondition-failed', `the version is ${version}`, 'if-match');
  return problem('too-many-overrides', `there are ${LIMITS.overrides} overrides of this user already`);
}
