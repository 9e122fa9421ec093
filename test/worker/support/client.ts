import { env, exports } from 'cloudflare:workers';
import { sign } from 'hono/jwt';
import type { PresenceDocument, TokenClaims, UpdateAnswer, Verdict } from '../../../worker/protocol/index.ts';
import type { Problem } from '../../../worker/routes/problem.ts';
import { Stream, words } from '../../presence/support/site.ts';
import { holdTo } from './contract.ts';

const ORIGIN = 'https://offhook.test';

/** What sites say, on the clock of the runtime. */
export const say = words(Date.now);

/** A site's updates about a user that no other test uses. */
export function newStream(name: string, domain = 'example.com'): Stream {
  return new Stream(`sip:${name}-${crypto.randomUUID()}@${domain}`, Date.now);
}

/** A domain that no other test uses. */
export function newDomain(): string {
  return `${crypto.randomUUID()}.test`;
}

/** A token with these claims: everything is allowed by default. */
export function token(claims: Partial<TokenClaims> = {}, secret: string = env.OFFHOOK_SECRET): Promise<string> {
  return sign({ scope: ['admin'], domain: '*', iat: 1, ...claims }, secret, 'HS256');
}

/** The header of a token with these claims. */
export async function bearer(claims: Partial<TokenClaims> = {}): Promise<{ authorization: string }> {
  return { authorization: `Bearer ${await token(claims)}` };
}

/** A request to the Worker, with a token that may do everything, unless `headers` has another; an empty one stands for none. Its answer is held to the OpenAPI document. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (!headers.has('authorization')) headers.set('authorization', `Bearer ${await token()}`);
  if (headers.get('authorization') === '') headers.delete('authorization');
  const asked = new Request(ORIGIN + path, { ...init, headers });
  return holdTo(asked, await exports.default.fetch(asked), init.body ?? null);
}

/** Posts anything as JSON. */
export function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return request(path, { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });
}

/** The verdicts of a batch of updates. */
export async function report(updates: readonly unknown[], site = 'site-a', sentAt = Date.now()): Promise<Verdict[]> {
  const response = await post('/v1/updates', { version: 1, site, sentAt, updates });
  return [...(await okay<UpdateAnswer>(response)).results];
}

/** The presence document of a user. */
export async function presence(user: string): Promise<PresenceDocument> {
  return okay(await request(`/v1/presence/${encodeURIComponent(user)}`));
}

/** The JSON of a good answer. */
export async function okay<T>(response: Response): Promise<T> {
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return response.json<T>();
}

/** `status field` of a problem, having checked that it is one (RFC 9457). */
export async function problemOf(response: Response): Promise<string> {
  const told = await response.json<Problem>();
  const whole =
    response.headers.get('content-type') === 'application/problem+json' &&
    told.type.startsWith('/problems/') &&
    told.title !== '';
  if (!whole || told.status !== response.status || told.detail === '') throw new Error(`no problem: ${JSON.stringify(told)}`);
  return told.field === undefined ? `${told.status}` : `${told.status} ${told.field}`;
}
