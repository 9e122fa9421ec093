import * as z from 'zod';
import { DETAIL_LEVELS, END_CAUSES, OVERRIDE_ACTIVITIES } from '../../protocol/index.ts';
import { callStatus, instant, presenceDocument, status, terminalStatus } from './document.ts';
import { problemSchema } from './problem.ts';
import { STATUSES } from './query.ts';

const cursor = z.string().exactOptional().describe('For the next page; absent on the last.');
const page = <T extends z.ZodRawShape>(shape: T) => z.object({ ...shape, cursor });

/** FIG. 8, steps 105 and 115. */
export const conflictSchema = z
  .object({
    rule: z.enum(['offline-while-talking', 'talking-while-offline', 'terminating-while-waiting', 'online-while-waiting']),
    reported: z.string(),
    recorded: z.string(),
    resolved: z.string(),
  })
  .meta({ id: 'Conflict', description: 'What was reported contradicts what is recorded: both, and how it was resolved.' });

const endReason = z.object({
  cause: z.enum(END_CAUSES),
  status: z.int().exactOptional().describe('Of the SIP answer that ended it.'),
  text: z.string().exactOptional(),
});

const historyEntry = z
  .object({
    version: z.int().describe('Of the document after this change.'),
    at: instant,
    status,
    terminalStatus,
    callStatus,
    cause: z
      .looseObject({ by: z.enum(['update', 'override', 'deadline']) })
      .describe("What brought the change: a site's update, somebody's own word, or a time that passed."),
    reason: z.union([z.string(), endReason]).exactOptional(),
    conflict: conflictSchema.exactOptional(),
  })
  .meta({ id: 'HistoryEntry', description: 'One change of a user.' });

export const historyPage = page({ entries: z.array(historyEntry).describe('Newest first.') }).meta({ id: 'HistoryPage' });

export const domainPage = page({ users: z.array(presenceDocument) }).meta({ id: 'DomainPage' });

export const queryAnswer = z.object({ users: z.array(z.union([presenceDocument, problemSchema])) }).meta({ id: 'QueryAnswer' });

const overrideDocument = z
  .looseObject({ activity: z.enum(OVERRIDE_ACTIVITIES), note: z.string().exactOptional(), expires: instant })
  .meta({ id: 'Override' });

const part = <T extends z.ZodType>(value: T) => z.looseObject({ value, text: z.string() });
const upcoming = z.looseObject({}).describe('What ends by itself, and when.');

export const whyAnswer = z
  .object({
    user: z.string(),
    version: z.int(),
    text: z.string().describe('All of it in a few sentences.'),
    status: part(status).describe('With the rules in their order: the first that holds decides.'),
    terminalStatus: part(terminalStatus).describe('With the registrations.'),
    callStatus: part(callStatus).describe('With the dialogs.'),
    stale: z.looseObject({}),
    overrides: z.array(overrideDocument),
    next: upcoming.nullable(),
    later: z.array(upcoming),
  })
  .meta({
    id: 'Why',
    description: 'The evidence behind each part of the state, the rule that decided, and what changes it next.',
  });

export const overrideList = z.object({ overrides: z.array(overrideDocument) }).meta({ id: 'OverrideList' });
export const overrideAnswer = overrideDocument;

const webhook = z
  .looseObject({
    id: z.string(),
    url: z.string(),
    domain: z.string(),
    detail: z.enum(DETAIL_LEVELS),
    state: z.string().describe('`active`, `paused`, or why it is disabled.'),
  })
  .meta({ id: 'Webhook', description: 'A webhook, without its secret (docs/webhooks.md).' });

const secret = z.string().describe('`whsec_` and 32 bytes in base64: told here and nowhere else.');

export const webhookAnswer = webhook;
export const webhookMade = webhook.extend({ secret }).meta({ id: 'WebhookMade' });
export const webhookList = z.object({ webhooks: z.array(webhook) }).meta({ id: 'WebhookList' });
export const webhookTest = z.looseObject({}).meta({ id: 'WebhookTest', description: 'What came of the test event.' });
export const secretAnswer = z.object({ secret, formerValidUntil: instant }).meta({ id: 'WebhookSecret' });
export const deadLetterPage = page({ deadLetters: z.array(z.looseObject({ id: z.string() })) }).meta({ id: 'DeadLetterPage' });
export const replayAnswer = z.object({ replayed: z.int() }).meta({ id: 'Replayed' });

const watchDocument = z
  .looseObject({ id: z.string(), user: z.string(), until: z.array(z.enum(STATUSES)) })
  .meta({ id: 'Watch', description: 'A callback that waits for a user.' });
export const watchAnswer = watchDocument;
export const watchMade = watchDocument.extend({ secret }).meta({ id: 'WatchMade' });

export const auditPage = page({
  entries: z.array(z.looseObject({ id: z.int(), at: instant, act: z.string() })).describe('Newest first.'),
}).meta({ id: 'AuditPage' });

const revocation = z.looseObject({ id: z.int(), at: instant }).meta({ id: 'Revocation' });
export const revocationAnswer = revocation;
export const revocationPage = page({ revocations: z.array(revocation) }).meta({ id: 'RevocationPage' });

export const reconcileAnswer = z
  .object({ lease: z.looseObject({ state: z.string() }), differ: z.array(z.string()), more: z.boolean() })
  .meta({ id: 'ReconcileAnswer', description: 'How the lease stands, and which users differ (docs/leases.md).' });
