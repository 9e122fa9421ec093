import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type * as z from 'zod';
import { LIMITS } from '../protocol/index.ts';
import type { AppEnv } from './auth.ts';
import { finding } from './field.ts';
import { answer, type Problem, problem } from './problem.ts';

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

/** The body as the schema of its operation reads it, or the answer to one that it refuses, which names the field. */
export async function readBody<T extends z.ZodType>(c: Context<AppEnv>, schema: T): Promise<z.output<T> | Response> {
  const body = await jsonObject(c);
  if (body === undefined) return answer(c, problem('not-json', 'the body is not a JSON object'));
  const read = schema.safeParse(body);
  return read.success ? read.data : answer(c, invalidBody(read.error));
}

/** What is wrong with a body that its schema refuses. */
export function invalidBody(error: z.ZodError): Problem {
  const { field, reason } = finding(error);
  return problem('invalid-body', `${field}: ${reason}`, field);
}
