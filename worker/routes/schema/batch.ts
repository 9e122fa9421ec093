import * as z from 'zod';
import { LAST_TIME } from '../../presence/index.ts';
import { PROTOCOL_VERSION } from '../../protocol/index.ts';

/** The envelope of `POST /v1/updates`. Items are looked at one by one: a bad one does not spoil the others. */
export const batchSchema = z.object({
  version: z.literal(PROTOCOL_VERSION),
  site: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'is not 1 to 64 of A-Z a-z 0-9 . _ -'),
  epoch: z.number().int().min(1).exactOptional(),
  sentAt: z.number().int().min(0).max(LAST_TIME),
  updates: z.array(z.unknown()),
});
