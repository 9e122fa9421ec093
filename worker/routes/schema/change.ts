import * as z from 'zod';
import { type Conflict, END_CAUSES, type EndReason, OVERRIDE_ACTIVITIES, type SeenEntry } from '../../protocol/index.ts';
import { callStatus, instant, status, terminalStatus } from './document.ts';

/** FIG. 8, steps 105 and 115. */
export const conflictSchema = z
  .object({
    rule: z.enum(['offline-while-talking', 'talking-while-offline', 'terminating-while-waiting', 'online-while-waiting']),
    reported: z.string(),
    recorded: z.string(),
    resolved: z.string(),
  })
  .meta({
    id: 'Conflict',
    description: 'What was reported contradicts what is recorded: both, and how it was resolved.',
  }) satisfies z.ZodType<Conflict>;

const endReason = z
  .object({
    cause: z.enum(END_CAUSES),
    status: z.int().exactOptional().describe('Of the SIP answer that ended it.'),
    text: z.string().exactOptional().describe('In the words of the other side. Only at detail `full`.'),
  })
  .meta({ id: 'EndReason', description: 'Why a call is over.' }) satisfies z.ZodType<EndReason>;

/** Why a telephone is gone, or why a call is over. */
export const reason = z.union([z.enum(['unregistered', 'expired', 'displaced']), endReason]);

const source = z.discriminatedUnion('by', [
  z.object({ by: z.literal('person') }),
  z.object({ by: z.literal('application'), application: z.string() }),
]);

/** What ends by itself. */
export const ending = z.enum(['terminal-expired', 'call-expired', 'implied-online-expired', 'override-expired']);

const activity = z.enum(OVERRIDE_ACTIVITIES).nullable().describe('Null where it was taken back.');

/** At detail `busy-only` neither the site is told nor who set an override. */
export const cause = z
  .union([
    z.object({ by: z.literal('update'), site: z.string(), epoch: z.int(), sequence: z.int(), status: z.string() }),
    z.object({ by: z.literal('update'), status: z.string() }),
    z.object({ by: z.literal('override'), activity, setBy: source }),
    z.object({ by: z.literal('override'), activity }),
    z.object({ by: z.literal('deadline'), what: ending }),
  ])
  .meta({
    id: 'Cause',
    description:
      "What brought a change: a site's update, somebody's own word, or a time that passed. At detail `busy-only` neither the site is told nor who it was.",
  }) satisfies z.ZodType<SeenEntry['cause']>;

export const historyEntry = z
  .object({
    version: z.int().describe('Of the document after this change.'),
    at: instant.describe('When it came to be so.'),
    recorded: instant
      .exactOptional()
      .describe(
        'When it was written down: later than `at` where it was learned only then. Absent in entries of earlier programs.',
      ),
    status,
    terminalStatus,
    callStatus,
    cause,
    reason: reason.exactOptional(),
    conflict: conflictSchema.exactOptional(),
  })
  .meta({ id: 'HistoryEntry', description: 'One change of a user.' }) satisfies z.ZodType<SeenEntry>;
