import * as z from 'zod';
import { HOOK_LIMITS } from '../../hooks/index.ts';
import { DETAIL_LEVELS } from '../../protocol/index.ts';
import { domainSchema } from './domain.ts';
import { idCursor, page, STATUSES } from './query.ts';
import { userSchema } from './user.ts';

const url = z
  .string()
  .max(HOOK_LIMITS.urlLength)
  .transform((text, context) => {
    const parsed = URL.parse(text);
    if (parsed === null) context.addIssue({ code: 'custom', message: 'is no absolute URL' });
    return parsed?.href ?? z.NEVER;
  });

const statuses = z.array(z.enum(STATUSES)).min(1).max(STATUSES.length);

/** The body of `POST /v1/webhooks`. */
export const webhookSchema = z
  .strictObject({
    url,
    /** Everybody in it; else `users` are named. */
    domain: domainSchema.optional(),
    users: z.array(userSchema).min(1).max(HOOK_LIMITS.users).optional(),
    statuses: statuses.optional(),
    changes: z.enum(['all', 'status']).default('all'),
    detail: z.enum(DETAIL_LEVELS).optional(),
    description: z.string().max(HOOK_LIMITS.descriptionLength).optional(),
  })
  .refine((body) => (body.domain === undefined) !== (body.users === undefined), {
    path: ['domain'],
    message: 'name either a domain or users',
  });

/** The query of `GET /v1/webhooks`. */
export const webhookListSchema = z.object({ domain: domainSchema });

/** The body of `POST /v1/webhooks/{id}/secret`. */
export const rotationSchema = z.strictObject({
  /** Seconds for which the former secret stays valid. */
  keepFor: z.number().int().min(0).max(HOOK_LIMITS.secretOverlapMax).default(HOOK_LIMITS.secretOverlap),
});

/** The body of `POST /v1/webhooks/{id}/replay`: the dead letters, or all that is kept from an event on. */
export const replaySchema = z
  .strictObject({ deadLetters: z.literal(true).optional(), from: z.string().max(64).optional() })
  .refine((body) => (body.deadLetters === undefined) !== (body.from === undefined), {
    path: ['from'],
    message: 'name either deadLetters or from',
  });

/** The query of `GET /v1/webhooks/{id}/dead-letters`; the cursor is a place in the queue. */
export const deadLettersSchema = z.object({
  limit: page(HOOK_LIMITS.pageDefault, HOOK_LIMITS.pageMax),
  cursor: idCursor,
});

/** The body of `POST /v1/watches/{user}`. */
export const watchSchema = z
  .strictObject({
    /** The status that is waited for, or several of which any will do. */
    until: z.union([z.enum(STATUSES).transform((status) => [status]), statuses]),
    /** Seconds that the request waits for its answer. */
    wait: z.number().int().min(1).max(HOOK_LIMITS.waitMax).optional(),
    callback: url.optional(),
    /** Seconds for which a callback is waited for. */
    expiresIn: z.number().int().min(1).max(HOOK_LIMITS.expiresMax).optional(),
  })
  .refine((body) => (body.wait === undefined) !== (body.callback === undefined), {
    path: ['wait'],
    message: 'name either wait or callback',
  })
  .refine((body) => body.expiresIn === undefined || body.callback !== undefined, {
    path: ['expiresIn'],
    message: 'is for a callback',
  });
