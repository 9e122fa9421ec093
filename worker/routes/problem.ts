import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { KINDS, type Kind, type KindName, PLAIN_KINDS } from './problems/kinds.ts';

/** An error as RFC 9457 tells it: `type` says what kind it is, `detail` and `field` what is wrong. */
export interface Problem {
  /** Path of the page that tells of this kind, relative to the Worker: `/problems/user-never-seen`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** Number of the kind: the status, and two digits. */
  readonly code: number;
  readonly detail: string;
  /** What in the request is wrong, as a path: `updates[3].call.id`. */
  readonly field?: string;
  /** Cloudflare's name of the request, by which its logs are searched. */
  readonly requestId?: string;
}

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
