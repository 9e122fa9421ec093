import * as z from 'zod';
import { LIMITS, OVERRIDE_ACTIVITIES } from '../../protocol/index.ts';

/** Text for people, on one line. */
const line = (length: number) =>
  z
    .string()
    .min(1)
    .max(length)
    .refine((text) => !/\p{Cc}/u.test(text) && text.isWellFormed(), 'has control characters');

/** Whose override it is. */
const whose = z.object({
  by: z.enum(['person', 'application']).optional(),
  application: line(LIMITS.overrideApplication).optional(),
});

const ONE_PERSON = { path: ['application'], message: 'is for applications: a person has one override' };

/** The body of `PUT /v1/presence/{user}/override`; `expiresIn` in seconds. */
export const overrideSchema = whose
  .extend({
    activity: z.enum(OVERRIDE_ACTIVITIES),
    note: line(LIMITS.overrideNote).optional(),
    expiresIn: z.number().int().min(1).max(LIMITS.overrideMax).default(LIMITS.overrideDefault),
  })
  .strict()
  .refine(ofOne, ONE_PERSON);

/** The query of `DELETE /v1/presence/{user}/override`. */
export const whoseSchema = whose.refine(ofOne, ONE_PERSON);

function ofOne({ by, application }: z.infer<typeof whose>): boolean {
  return by !== 'person' || application === undefined;
}
