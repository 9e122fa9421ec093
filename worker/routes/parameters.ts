import { createMiddleware } from 'hono/factory';
import type { AppEnv } from './auth.ts';
import { answer, problem } from './problem.ts';

/**
 * Refuses query parameters other than these with 400. To pass over one that is not known would answer another question than was asked:
 * `?at=` would bring the present as if it were the past.
 */
export function takes(...names: readonly string[]) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const unknown = Object.keys(c.req.query()).find((name) => !names.includes(name));
    if (unknown !== undefined)
      return answer(c, problem('unknown-parameter', `${unknown}: there is no such parameter here`, unknown));
    return next();
  });
}
