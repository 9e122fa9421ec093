import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Problem } from '../protocol/index.ts';
import { KINDS, type Kind, type KindName, PLAIN_KINDS } from './problems/kinds.ts';

export type { Problem };

/** The problem of a kind, or of an HTTP status about which there is no more to say. */
export function problem(kind: KindName | keyof typeof PLAIN_KINDS, detail: string, field?: string): Problem {
  const name = typeof kind === 'number' ? PLAIN_KINDS[kind] : kind;
  const { title, status, number }: Kind = KINDS[name];
  return { type: `/problems/${name}`, title, status, code: number, detail, ...(field === undefined ? {} : { field }) };
}

/** Answers a problem as `application/problem+json`. */
export function answer(c: Context, told: Problem, headers: Record<string, string> = {}): Response {
  const ray = c.req.header('cf-ray');
  // Whoever reaches a Worker of one's own directly may put anything into the header.
  const known = ray !== undefined && /^[0-9a-f]{16}(-[A-Z]{3})?$/.test(ray) ? { ...told, requestId: ray } : told;
  return c.body(JSON.stringify(known), told.status as ContentfulStatusCode, {
    ...headers,
    'content-type': 'application/problem+json',
  });
}
