import * as z from 'zod';
import type { UpdateAnswer } from '../../protocol/index.ts';
import { conflictSchema } from './change.ts';
import { leaseAnswer } from './lease.ts';

const last = z.object({ epoch: z.int(), sequence: z.int() });
const sequence = z.int().describe('Of the item that this is about.');

/** What `POST /v1/updates` answers. */
export const updateAnswer = z
  .object({
    results: z
      .array(
        z
          .discriminatedUnion('verdict', [
            z.object({ sequence, verdict: z.literal('accepted'), version: z.int(), conflict: conflictSchema.exactOptional() }),
            z.object({ sequence, verdict: z.literal('duplicate'), version: z.int() }),
            z.object({ sequence, verdict: z.literal('stale'), last }),
            z.object({ sequence, verdict: z.literal('gap'), last: last.nullable() }),
            z.object({ sequence, verdict: z.literal('rejected'), field: z.string(), reason: z.string() }),
            z.object({ sequence, verdict: z.literal('retry'), reason: z.string() }),
          ])
          .meta({
            id: 'Verdict',
            description:
              '`accepted`: stored. `duplicate`: was stored before. `stale`: a later word of this site is stored already. `gap`: an update before this one is missing; send a snapshot. `rejected`: never acceptable; drop it and send a snapshot. `retry`: could not be stored now; send it again, later.',
          }),
      )
      .describe('One verdict an item, in the order of the items.'),
    lease: leaseAnswer.exactOptional().describe('Of the site; absent where it could not be asked for in time.'),
  })
  .meta({ id: 'UpdateAnswer' }) satisfies z.ZodType<UpdateAnswer>;
