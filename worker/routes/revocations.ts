import type { Context } from 'hono';
import type { Revocation } from '../access/index.ts';
import { accessObject } from '../objects/access.ts';
import { audit } from './audit.ts';
import { type AppEnv, coversAll } from './auth.ts';
import { readBody } from './body.ts';
import { readQuery } from './parameters.ts';
import { answer, problem } from './problem.ts';
import { revokedHere } from './revoked.ts';
import { revocationListSchema, revokeSchema } from './schema/revocation.ts';

/** A revocation as it is told: of one token, or of all tokens of a subject that were made before a time. Times are RFC 3339. */
export type RevocationDocument =
  | { readonly id: number; readonly jti: string; readonly until: string | null; readonly at: string }
  | { readonly id: number; readonly subject: string; readonly before: string; readonly at: string };

const NOT_ALL = 'a token may be of any domain: only a token that covers all may revoke';

/** `POST /v1/tokens/revocations`: a token, or all of a subject, is good no more. The same again is no error. */
export async function postRevocation(c: Context<AppEnv>): Promise<Response> {
  if (!coversAll(c.get('claims'))) return answer(c, problem('domain-not-covered', NOT_ALL));
  const asked = await readBody(c, revokeSchema);
  if (asked instanceof Response) return asked;
  const { jti, subject, before, until } = asked;
  if ((jti === undefined) === (subject === undefined)) {
    return answer(c, problem('invalid-body', 'jti: give either jti or subject', 'jti'));
  }
  const now = Date.now();
  await audit(c, 'token.revoke', { target: jti ?? `subject ${subject}` });
  const entry =
    jti === undefined
      ? ({ kind: 'subject', name: subject as string, before: before ?? now, until: null } as const)
      : ({ kind: 'token', name: jti, before: null, until: until ?? null } as const);
  const stored = await accessObject(c.env).revoke(entry);
  if (stored === null) return answer(c, problem('conflict', 'too many tokens are revoked: replace the secret'));
  revokedHere();
  return c.json(documentOf(stored), 201);
}

/** `GET /v1/tokens/revocations`: what is revoked, newest first, by page. */
export async function getRevocations(c: Context<AppEnv>): Promise<Response> {
  if (!coversAll(c.get('claims'))) return answer(c, problem('domain-not-covered', NOT_ALL));
  const query = readQuery(c, revocationListSchema);
  if (query instanceof Response) return query;
  const { limit, cursor = Number.MAX_SAFE_INTEGER } = query;
  const rows = await accessObject(c.env).listRevocations(cursor, limit + 1);
  const revocations = rows.slice(0, limit).map(documentOf);
  const last = revocations.at(-1)?.id;
  return c.json({ revocations, ...(rows.length > limit && last !== undefined ? { cursor: String(last) } : {}) });
}

function documentOf({ seq, kind, name, before, until, at }: Revocation): RevocationDocument {
  const time = (value: number) => new Date(value).toISOString();
  if (kind === 'subject') return { id: seq, subject: name, before: time(before ?? 0), at: time(at) };
  return { id: seq, jti: name, until: until === null ? null : time(until), at: time(at) };
}
