import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** An error as RFC 9457 tells it. `type` is always `about:blank`: the status says what kind it is, `detail` and `field` what is wrong. */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** What in the request is wrong, as a path: `updates[3].call.id`. */
  readonly field?: string;
}

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  422: 'Unprocessable Content',
  426: 'Upgrade Required',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** The problem of an HTTP status (RFC 9110 15). */
export function problem(status: number, detail: string, field?: string): Problem {
  const title = TITLES[status] ?? 'Error';
  return { type: 'about:blank', title, status, detail, ...(field === undefined ? {} : { field }) };
}

/** Answers a problem as `application/problem+json`. */
export function answer(c: Context, told: Problem, headers: Record<string, string> = {}): Response {
  return c.body(JSON.stringify(told), told.status as ContentfulStatusCode, {
    ...headers,
    'content-type': 'application/problem+json',
  });
}
