import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import * as z from 'zod';
import type { AppEnv } from './auth.ts';
import { finding } from './field.ts';
import { answer, problem } from './problem.ts';
import type { KindName } from './problems/kinds.ts';

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

/**
 * The query as the schema of its operation reads it, or the answer to one that it refuses, which names the parameter. A parameter that the
 * schema has as a list may be there several times, any other once: of two values one would be passed over.
 */
export function readQuery<T extends z.ZodObject>(c: Context<AppEnv>, schema: T): z.output<T> | Response {
  const given: Record<string, string | string[]> = {};
  for (const [name, field] of Object.entries(schema.shape)) {
    const values = c.req.queries(name);
    if (values === undefined) continue;
    const [first = '', second] = values;
    if (isList(field as z.ZodType)) given[name] = values;
    else if (second === undefined) given[name] = first;
    else return answer(c, problem('bad-parameter', `${name}: is there more than once`, name));
  }
  const read = schema.safeParse(given);
  if (read.success) return read.data;
  const { reason } = finding(read.error);
  const [issue] = read.error.issues;
  const name = String(issue?.path[0]);
  const kind: KindName = issue?.code === 'custom' ? (issue.params?.kind ?? 'bad-parameter') : 'bad-parameter';
  return answer(c, problem(kind, `${name}: ${reason}`, name));
}

function isList(field: z.ZodType): boolean {
  return field instanceof z.ZodArray || (field instanceof z.ZodOptional && isList(field.unwrap() as z.ZodType));
}
