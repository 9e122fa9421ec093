import * as z from 'zod';
import { LAST_TIME } from '../../presence/index.ts';
import {
  type CallReport,
  END_CAUSES,
  type EndReason,
  LIMITS,
  type MediaReport,
  type TerminalReport,
  type Update,
} from '../../protocol/index.ts';
import { userSchema } from './user.ts';

/** ms since 1970, up to the year 9999. */
const time = z.number().int().min(0).max(LAST_TIME);

/** What tells one thing from another: too long is refused, since cutting it would make two things one. */
const identity = z
  .string()
  .min(1)
  .max(LIMITS.fieldLength)
  .refine((text) => isPrintable(text), 'has control characters');

/** What is only shown: too long is cut. */
const shown = z.string().transform((text) => text.slice(0, LIMITS.fieldLength).toWellFormed());

const media = z.object({
  type: shown,
  codec: shown.exactOptional(),
  direction: z.enum(['sendrecv', 'sendonly', 'recvonly', 'inactive']).exactOptional(),
}) satisfies z.ZodType<MediaReport>;

const terminal = z.object({
  contact: identity,
  address: shown.exactOptional(),
  type: z.enum(['phone', 'softphone', 'browser', 'mobile', 'gateway', 'unknown']).exactOptional(),
  userAgent: shown.exactOptional(),
  since: time,
  expires: time.nullable(),
}) satisfies z.ZodType<TerminalReport>;

const call = z.object({
  id: identity,
  callId: identity,
  direction: z.enum(['incoming', 'outgoing']),
  state: z.enum(['early', 'confirmed', 'terminating']),
  held: z.boolean(),
  peer: z.object({ uri: identity, name: shown.exactOptional() }),
  media: z.array(media).transform((lines) => lines.slice(0, LIMITS.media)),
  session: z.enum(['voice', 'video', 'voicemail', 'streaming', 'conference', 'queue', 'message', 'unknown']),
  startedAt: time,
  answeredAt: time.nullable(),
  deadline: time,
}) satisfies z.ZodType<CallReport>;

const endReason = z.object({
  cause: z.enum(END_CAUSES),
  status: z.number().int().min(100).max(699).exactOptional(),
  text: shown.exactOptional(),
}) satisfies z.ZodType<EndReason>;

const head = z.object({
  user: userSchema,
  epoch: z.number().int().min(1),
  sequence: z.number().int().min(1),
  previous: z.number().int().min(0),
  at: time,
  base: z.string().length(16).exactOptional(),
});

/** The state in which a call must be for the status that is reported of it. */
const STATE_OF = { early: 'early', talking: 'confirmed', terminating: 'terminating' } as const;

/** One item of a batch. */
export const updateSchema = z
  .discriminatedUnion('status', [
    head.extend({ status: z.literal('online'), terminal }),
    head.extend({ status: z.literal('offline'), contact: identity, reason: z.enum(['unregistered', 'expired', 'displaced']) }),
    head.extend({ status: z.enum(['early', 'talking', 'terminating']), call, reason: endReason.exactOptional() }),
    head.extend({ status: z.literal('idle'), call: identity, reason: endReason }),
    head.extend({
      status: z.literal('snapshot'),
      terminals: z.array(terminal).max(LIMITS.terminals),
      calls: z.array(call).max(LIMITS.calls),
      reason: endReason.exactOptional(),
    }),
  ])
  .superRefine((update, context) => {
    if (update.previous >= update.sequence) {
      context.addIssue({ code: 'custom', path: ['previous'], message: 'is not below sequence' });
    }
    if (update.status === 'early' || update.status === 'talking' || update.status === 'terminating') {
      const state = STATE_OF[update.status];
      if (update.call.state !== state) {
        context.addIssue({
          code: 'custom',
          path: ['call', 'state'],
          message: `is not ${state}, as status ${update.status} says`,
        });
      }
    }
  }) satisfies z.ZodType<Update>;

function isPrintable(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) return false;
  }
  return text.isWellFormed();
}
