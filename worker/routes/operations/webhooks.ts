import type { Operation } from '../operation.ts';
import * as answers from '../schema/hook-answers.ts';
import { deadLettersSchema, replaySchema, rotationSchema, webhookListSchema, webhookSchema } from '../schema/webhook.ts';
import { listDeadLetters, pauseWebhook, replayWebhook, resumeWebhook, rotateSecret, testWebhook } from '../webhook-acts.ts';
import { createWebhook, deleteWebhook, getWebhook, listWebhooks } from '../webhooks.ts';

const ofOne = (
  id: string,
  method: Operation['method'],
  act: string,
  summary: string,
  answer: Operation['answers'],
  handle: Operation['handle'],
  more: Partial<Operation> = {},
): Operation => ({
  ...{ id, method, path: `/v1/webhooks/:id${act}`, tag: 'Webhooks', scope: 'write', summary, answers: answer, handle },
  ...more,
  problems: ['no-such-webhook', ...(more.problems ?? [])],
});

const shown = (means: string) => ({ 200: { means, body: answers.webhookAnswer } });

export const WEBHOOK_OPERATIONS: readonly Operation[] = [
  {
    id: 'createWebhook',
    method: 'post',
    path: '/v1/webhooks',
    tag: 'Webhooks',
    scope: 'write',
    summary: 'Have changes posted to a URL',
    description:
      'Signed by Standard Webhooks, in the order of each user, tried for 24 hours (docs/webhooks.md). Wants the scope `read` too.',
    body: webhookSchema.meta({ id: 'WebhookRequest' }),
    answers: { 201: { means: 'It is made; its secret is told here and nowhere else.', body: answers.webhookMade } },
    problems: ['domain-not-covered', 'forbidden', 'address-not-allowed', 'too-many-webhooks'],
    handle: createWebhook,
  },
  {
    id: 'listWebhooks',
    method: 'get',
    path: '/v1/webhooks',
    tag: 'Webhooks',
    scope: 'write',
    summary: 'The webhooks of a domain',
    query: webhookListSchema,
    answers: { 200: { means: 'Those that show no more than the token may see.', body: answers.webhookList } },
    problems: ['bad-domain', 'domain-not-covered'],
    handle: listWebhooks,
  },
  ofOne('getWebhook', 'get', '', 'A webhook, and how it fares', shown('It is there.'), getWebhook),
  ofOne('deleteWebhook', 'delete', '', 'Delete a webhook', { 204: { means: 'It is gone.' } }, deleteWebhook),
  ofOne(
    'testWebhook',
    'post',
    '/test',
    'Send a signed test event',
    { 200: { means: 'What came of it.', body: answers.webhookTest } },
    testWebhook,
    { problems: ['test-under-way'] },
  ),
  ofOne(
    'rotateSecret',
    'post',
    '/secret',
    'Make a new secret',
    { 200: { means: 'The new one; the former stays valid for a time.', body: answers.secretAnswer } },
    rotateSecret,
    { body: rotationSchema.meta({ id: 'Rotation' }), bodyOptional: true },
  ),
  ofOne('pauseWebhook', 'post', '/pause', 'Deliver nothing until it is resumed', shown('It is paused.'), pauseWebhook),
  ofOne('resumeWebhook', 'post', '/resume', 'Deliver again', shown('It is active.'), resumeWebhook),
  ofOne(
    'listDeadLetters',
    'get',
    '/dead-letters',
    'What could not be delivered',
    { 200: { means: 'A page of events, without their content.', body: answers.deadLetterPage } },
    listDeadLetters,
    { query: deadLettersSchema },
  ),
  ofOne(
    'replayWebhook',
    'post',
    '/replay',
    'Deliver once more',
    { 200: { means: 'So many events are in line again.', body: answers.replayAnswer } },
    replayWebhook,
    { body: replaySchema.meta({ id: 'Replay' }), problems: ['no-such-event', 'no-room-for-replay'] },
  ),
];
