import * as z from 'zod';
import { LIMITS, PROTOCOL_VERSION } from '../../protocol/index.ts';

/** The name of a site. */
export const siteSchema = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'is not 1 to 64 of A-Z a-z 0-9 . _ -');

const head = { version: z.literal(PROTOCOL_VERSION), epoch: z.number().int().min(1) };
const bucket = z.number().int().min(0).max(LIMITS.reconcileBuckets);

/** A range of digests: the body of `POST /v1/sites/{site}/reconcile`. */
export const pageSchema = z
  .object({
    ...head,
    from: bucket,
    to: bucket,
    users: z
      .record(z.string().max(LIMITS.userLength), z.string().regex(/^[0-9a-f]{16}$/, 'is no digest'))
      .refine((users) => Object.keys(users).length <= LIMITS.reconcileUsers, `more than ${LIMITS.reconcileUsers} users`),
  })
  .refine(({ from, to }) => from < to, { path: ['to'], message: 'is not above from' });

/** Its last word: all was compared. */
export const doneSchema = z.object({ ...head, done: z.number().int().min(1) });

/** The body of `POST /v1/sites/{site}/stop`. */
export const stopSchema = z.object({ ...head, states: z.enum(['stay', 'leave']) });
