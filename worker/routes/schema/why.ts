import * as z from 'zod';
import type { Why } from '../../protocol/index.ts';
import { overrideDocument } from './answers.ts';
import { cause, conflictSchema, ending, reason } from './change.ts';
import { call, callStatus, instant, status, terminalStatus } from './document.ts';

const part = <T extends z.ZodType, U extends z.ZodRawShape>(value: T, evidence: U) =>
  z.object({
    value,
    since: instant.nullable().describe('Null, as `by`, where it was so from the beginning.'),
    by: cause.nullable(),
    reason: reason.exactOptional(),
    rule: z.string().describe('The step that made it so.'),
    conflict: conflictSchema.exactOptional(),
    text: z.string(),
    ...evidence,
  });

const registration = z
  .object({
    site: z.string(),
    contact: z.string(),
    address: z.string().exactOptional(),
    userAgent: z.string().exactOptional(),
    since: instant,
    expires: instant.nullable().describe('Null where its site keeps the time, and will tell of the end.'),
  })
  .meta({ id: 'Registration', description: 'A binding that a REGISTER made.' });

const dialog = z
  .object({
    ...call.pick({ site: true, id: true, callId: true, direction: true, state: true, held: true, peer: true }).shape,
    since: instant,
    answeredAt: instant.nullable(),
    deadline: instant.describe('When it is taken for lost unless more is heard of it.'),
  })
  .meta({ id: 'Dialog', description: 'A call on which the state rests.' });

const upcoming = z
  .object({
    at: instant,
    what: ending,
    text: z.string(),
    becomes: z.object({ status, terminalStatus, callStatus }).describe('The state that it leaves, unless more is heard.'),
  })
  .meta({ id: 'Upcoming', description: 'Something that ends by itself.' });

const site = z
  .object({
    site: z.string(),
    epoch: z.int(),
    sequence: z.int().describe('Of the last update that was taken.'),
    heard: instant,
    outOfTouchSince: instant.nullable(),
    inTouchUntil: instant.nullable().describe('By when it is out of touch unless it is heard again.'),
  })
  .meta({ id: 'WhySite', description: 'A site that reported the user, and whether it is in touch.' });

export const whyAnswer = z
  .object({
    user: z.string(),
    version: z.int(),
    text: z.string().describe('All of it in a few sentences.'),
    status: z.object({
      value: status,
      since: instant,
      rules: z
        .array(z.object({ rule: z.string(), holds: z.boolean() }))
        .describe('In their order: the first that holds decides.'),
      rule: z.string().describe('The one that decided.'),
      text: z.string(),
    }),
    terminalStatus: part(terminalStatus, { registrations: z.array(registration) }),
    callStatus: part(callStatus, { dialogs: z.array(dialog) }),
    stale: z.object({ value: z.boolean(), since: instant.exactOptional(), sites: z.array(site), text: z.string() }),
    overrides: z.array(overrideDocument),
    next: upcoming.nullable().describe('What ends next; null where nothing does.'),
    later: z.array(upcoming).describe('What ends after that.'),
  })
  .meta({
    id: 'Why',
    description: 'The evidence behind each part of the state, the rule that decided, and what changes it next.',
  }) satisfies z.ZodType<Why>;
