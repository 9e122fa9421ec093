import * as z from 'zod';
import { OBJECT_LIMITS } from '../../objects/limits.ts';
import { ROUTE_LIMITS } from '../limits.ts';
import { fromBase64url, toBase64url } from './query.ts';

/** A place among users on boards that went: the board's number, and the last user that was looked at. */
export interface RelistPlace {
  readonly shard: number;
  readonly user: string;
}

/** The body of `POST /v1/domains/{domain}/relist`: how many boards there were. */
export const relistSchema = z.object({
  former: z.number().int().min(1).max(OBJECT_LIMITS.shardsMax),
  cursor: z
    .string()
    .max(ROUTE_LIMITS.relistCursor)
    .transform((text, context) => placeOf(text) ?? invalid(context))
    .optional(),
});

/** The cursor of a place. */
export function relistCursor({ shard, user }: RelistPlace): string {
  return toBase64url(`${shard} ${user}`);
}

function placeOf(text: string): RelistPlace | undefined {
  const match = /^(\d{1,2}) (.*)$/s.exec(fromBase64url(text) ?? '');
  return match === null ? undefined : { shard: Number(match[1]), user: match[2] as string };
}

function invalid(context: z.RefinementCtx): never {
  context.addIssue({ code: 'custom', message: 'is none of ours' });
  return z.NEVER;
}
