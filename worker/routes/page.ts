import type { Context } from 'hono';
import { page } from '../wallboard/page.ts';

/** `GET /`: the wallboard. It holds no data: what it shows it reads with the token that its user gives it. */
export function getPage(c: Context): Response {
  return c.html(page.html, 200, {
    'content-security-policy': page.csp,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-cache',
  }) as Response;
}
