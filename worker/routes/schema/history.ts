import * as z from 'zod';
import { ROUTE_LIMITS } from '../limits.ts';
import { fromBase64url, page, toBase64url } from './query.ts';
import { timeSchema } from './time.ts';

/** The query of `GET /v1/presence/{user}`. */
export const presenceSchema = z.object({ at: timeSchema.optional() });

/** The query of `GET /v1/presence/{user}/history`: `from` belongs to the span, `to` does not. */
export const historySchema = z
  .object({
    from: timeSchema.optional(),
    to: timeSchema.optional(),
    limit: page(ROUTE_LIMITS.historyDefault, ROUTE_LIMITS.historyMax),
    cursor: z.string().max(32).transform(fromHistoryCursor).optional(),
  })
  .superRefine(({ from, to }, context) => {
    if (from !== undefined && to !== undefined && to < from) {
      context.addIssue({ code: 'custom', path: ['to'], message: 'is before from' });
    }
  });

/** The cursor of a history: the version at which the page ended, in a form that says so to us alone. */
export function toHistoryCursor(version: number): string {
  return toBase64url(`h${version.toString(36)}`);
}

function fromHistoryCursor(cursor: string, context: z.RefinementCtx): number {
  const text = fromBase64url(cursor) ?? '';
  const version = /^h[0-9a-z]{1,10}$/.test(text) ? Number.parseInt(text.slice(1), 36) : 0;
  if (version >= 1 && toHistoryCursor(version) === cursor) return version;
  context.addIssue({ code: 'custom', message: 'is none of ours' });
  return z.NEVER;
}
