import * as z from 'zod';
import { LAST_TIME } from '../../presence/index.ts';
import { PROTOCOL_VERSION } from '../../protocol/index.ts';
import { siteSchema } from './reconcile.ts';

/** The envelope of `POST /v1/updates`. Items are looked at one by one: a bad one does not spoil the others. */
export const batchSchema = z.object({
  version: z.literal(PROTOCOL_VERSION),
  site: siteSchema,
  epoch: z.number().int().min(1).exactOptional(),
  sentAt: z.number().int().min(0).max(LAST_TIME),
  updates: z.array(z.unknown()),
});
