import * as z from 'zod';
import { DETAIL_LEVELS } from '../../protocol/index.ts';
import { cursor } from './answers.ts';
import { instant } from './document.ts';
import { STATUSES } from './query.ts';

const secret = z.string().describe('`whsec_` and 32 bytes in base64: told here and nowhere else.');

const queue = z.object({
  waiting: z.int().describe('Events that are not delivered yet.'),
  retrying: z.int().describe('Of these, tried at least once.'),
  oldest: instant.nullable().describe('When the oldest of them was taken.'),
  lastFailure: z.string().nullable(),
  overflow: z
    .object({ superseded: z.int(), dead: z.int(), last: instant })
    .nullable()
    .describe('What was left out for want of room.'),
});

const webhook = z
  .object({
    id: z.string(),
    url: z.string(),
    domain: z.string(),
    users: z.array(z.string()).exactOptional().describe('Absent where everybody in the domain is told of.'),
    detail: z.enum(DETAIL_LEVELS),
    statuses: z.array(z.enum(STATUSES)).exactOptional().describe('Only changes into one of these.'),
    changes: z.enum(['all', 'status']),
    description: z.string().exactOptional(),
    state: z
      .enum(['active', 'paused', 'disabled', 'revoked'])
      .describe('`disabled`: its receiver answered 410. `revoked`: the token that made it was revoked.'),
    createdAt: instant,
    formerSecretsValidUntil: z.array(instant),
    queue,
    deadLetters: z.int().describe('Events that could not be delivered.'),
  })
  .meta({ id: 'Webhook', description: 'A webhook, without its secret (docs/webhooks.md).' });

export const webhookAnswer = webhook;
export const webhookMade = webhook.extend({ secret }).meta({ id: 'WebhookMade' });
export const webhookList = z.object({ webhooks: z.array(webhook) }).meta({ id: 'WebhookList' });

export const webhookTest = z
  .object({
    id: z.string().describe('`webhook-id` of the test event.'),
    delivered: z.boolean(),
    status: z.int().exactOptional().describe('Of the answer of the receiver, where there was one.'),
    reason: z.string().exactOptional().describe('Why it was not delivered.'),
  })
  .meta({ id: 'WebhookTest', description: 'What came of the test event.' });

export const secretAnswer = z.object({ secret, formerValidUntil: instant }).meta({ id: 'WebhookSecret' });

const deadLetter = z
  .object({ id: z.string(), user: z.string(), at: instant, attempts: z.int(), reason: z.string() })
  .meta({ id: 'DeadLetter', description: 'An event that could not be delivered, without its content.' });

export const deadLetterPage = z.object({ deadLetters: z.array(deadLetter), cursor }).meta({ id: 'DeadLetterPage' });
export const replayAnswer = z.object({ replayed: z.int() }).meta({ id: 'Replayed' });

const watchDocument = z
  .object({
    id: z.string(),
    user: z.string(),
    until: z.array(z.enum(STATUSES)),
    callback: z.string(),
    detail: z.enum(DETAIL_LEVELS),
    createdAt: instant,
    expiresAt: instant,
  })
  .meta({ id: 'Watch', description: 'A callback that waits for a user.' });

export const watchAnswer = watchDocument;
export const watchMade = watchDocument.extend({ secret }).meta({ id: 'WatchMade' });
