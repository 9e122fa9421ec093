import * as z from 'zod';
import type { WatchFrame } from '../../protocol/index.ts';
import { presenceDocument } from './document.ts';

const cursor = z.string().describe('To be named as `since` in order to go on after this frame.');

const snapshot = z
  .object({
    type: z.literal('snapshot'),
    reset: z
      .enum(['expired', 'foreign', 'incomplete'])
      .exactOptional()
      .describe('Where a cursor was named that cannot be gone on from: why.'),
    users: z.array(z.object({ user: z.string(), presence: presenceDocument.nullable().describe('Null for a user never seen.') })),
    more: z.boolean().describe('Another frame of the snapshot follows.'),
    cursor,
  })
  .meta({ id: 'SnapshotFrame', description: 'First: all that is known of what is watched.' });

const resumed = z
  .object({
    type: z.literal('resumed'),
    exact: z.boolean().describe('Every change that was missed follows; else the newest document of each user that changed.'),
    cursor,
  })
  .meta({ id: 'ResumedFrame', description: 'First, instead of a snapshot, where a cursor was named.' });

const change = z
  .object({ type: z.literal('change'), presence: presenceDocument, cursor })
  .meta({ id: 'ChangeFrame', description: 'The document of a user after a change.' });

const deleted = z.object({ type: z.literal('deleted'), user: z.string(), cursor }).meta({
  id: 'DeletedFrame',
  description: 'The data of a user were deleted: as one never seen, until a change tells of them again.',
});

const check = z
  .object({ type: z.literal('check'), cursor })
  .meta({ id: 'CheckFrame', description: 'To be answered with the text `ack`.' });

const end = z
  .object({ type: z.literal('end'), code: z.int().describe('As of a WebSocket that is closed.'), reason: z.string() })
  .meta({ id: 'EndFrame', description: 'Last, where the Worker ends the stream.' });

/** A text message of `GET /v1/watch`, but for `pong`. */
export const watchFrame = z
  .discriminatedUnion('type', [snapshot, resumed, change, deleted, check])
  .meta({ id: 'WatchFrame', description: 'A message of a watch.' }) satisfies z.ZodType<WatchFrame>;

/** The `data` of an event of `GET /v1/events`. */
export const eventFrame = z
  .discriminatedUnion('type', [snapshot, resumed, change, deleted, end])
  .meta({ id: 'EventFrame', description: 'The `data` of a server-sent event, the name of which is its `type`.' });
