import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { LIMITS } from '../protocol/index.ts';
import { answer, problem } from './problem.ts';

/** Refuses bodies that are too large, before they are read to their end. */
export const limitBody: MiddlewareHandler = bodyLimit({
  maxSize: LIMITS.batchBytes,
  onError: (c) => answer(c, problem('body-too-large', `the body is larger than ${LIMITS.batchBytes} bytes`)),
});

/** The JSON object in a request's body; undefined where there is none. */
export async function jsonObject(c: Context): Promise<Record<string, unknown> | undefined> {
  try {
    const value: unknown = JSON.parse(await c.req.text());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
