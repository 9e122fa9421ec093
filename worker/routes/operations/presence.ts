import * as z from 'zod';
import { LIMITS } from '../../protocol/index.ts';
import { getHistory } from '../history.ts';
import type { Operation } from '../operation.ts';
import { deleteOverride, getOverrides, putOverride } from '../override.ts';
import { deletePresence, getPresence, queryPresence } from '../presence.ts';
import { historyPage, overrideDocument, overrideList, pastDocument, queryAnswer } from '../schema/answers.ts';
import { presenceDocument } from '../schema/document.ts';
import { historySchema, presenceSchema } from '../schema/history.ts';
import { overrideSchema, whoseSchema } from '../schema/override.ts';
import { usersSchema } from '../schema/query.ts';
import { whyAnswer } from '../schema/why.ts';
import { getWhy } from '../why.ts';

const tag = 'Presence';
const IF_NONE_MATCH = 'The `ETag` of an earlier answer: 304 where nothing changed since.';
const IF_MATCH = 'The `ETag` of the document that this is meant for: 412 where it has changed since.';

export const PRESENCE_OPERATIONS: readonly Operation[] = [
  {
    id: 'getPresence',
    method: 'get',
    path: '/v1/presence/:user',
    tag,
    scope: 'read',
    summary: 'What a user does, now or at a time',
    description: 'What the token may not see is not in the document.',
    query: presenceSchema,
    headers: { Accept: '`application/json`, or `application/pidf+xml` for PIDF with RPID.', 'If-None-Match': IF_NONE_MATCH },
    answers: {
      200: {
        means: 'The presence document; with `at`, as it was then.',
        body: z.union([presenceDocument, pastDocument]),
        types: ['application/pidf+xml'],
        headers: ['ETag'],
      },
      304: { means: 'Nothing changed since the document of that `ETag`.', headers: ['ETag'] },
    },
    problems: ['bad-user', 'domain-not-covered', 'user-never-seen', 'user-not-seen-yet', 'past-not-kept', 'not-acceptable'],
    handle: getPresence,
  },
  {
    id: 'deletePresence',
    method: 'delete',
    path: '/v1/presence/:user',
    tag,
    scope: 'admin',
    summary: "Delete a user's data",
    description: 'State, history, the entries of boards and what webhooks keep. It may be repeated.',
    answers: { 204: { means: 'All is deleted.' } },
    problems: ['bad-user', 'domain-not-covered'],
    handle: deletePresence,
  },
  {
    id: 'getHistory',
    method: 'get',
    path: '/v1/presence/:user/history',
    tag,
    scope: 'read',
    summary: 'What a user did, newest first',
    description: 'Each change, what brought it, and what the consistency check found.',
    query: historySchema,
    headers: { 'If-None-Match': IF_NONE_MATCH },
    answers: {
      200: { means: 'A page of changes.', body: historyPage, headers: ['ETag'] },
      304: { means: 'Nothing changed since the page of that `ETag`.', headers: ['ETag'] },
    },
    problems: ['bad-user', 'domain-not-covered', 'user-never-seen'],
    handle: getHistory,
  },
  {
    id: 'getWhy',
    method: 'get',
    path: '/v1/presence/:user/why',
    tag,
    scope: 'read',
    summary: 'Why a user is shown as he is',
    answers: { 200: { means: 'The evidence, the rule, and what changes it next.', body: whyAnswer } },
    problems: ['bad-user', 'domain-not-covered', 'user-never-seen'],
    handle: getWhy,
  },
  {
    id: 'getOverrides',
    method: 'get',
    path: '/v1/presence/:user/override',
    tag,
    scope: 'read',
    summary: "A user's overrides",
    answers: { 200: { means: 'Those that are set; `effective` is the one that counts.', body: overrideList } },
    problems: ['bad-user', 'domain-not-covered', 'user-never-seen'],
    handle: getOverrides,
  },
  {
    id: 'putOverride',
    method: 'put',
    path: '/v1/presence/:user/override',
    tag,
    scope: 'write',
    summary: "Set a person's or an application's own word",
    headers: { 'If-Match': IF_MATCH },
    body: overrideSchema.meta({ id: 'OverrideRequest' }),
    answers: { 200: { means: 'It is set.', body: overrideDocument, headers: ['ETag'] } },
    problems: ['bad-user', 'domain-not-covered', 'bad-request', 'too-many-overrides', 'precondition-failed'],
    handle: putOverride,
  },
  {
    id: 'deleteOverride',
    method: 'delete',
    path: '/v1/presence/:user/override',
    tag,
    scope: 'write',
    summary: 'Take it back',
    query: whoseSchema,
    headers: { 'If-Match': IF_MATCH },
    answers: { 204: { means: 'There is none any more.', headers: ['ETag'] } },
    problems: ['bad-user', 'domain-not-covered', 'bad-request', 'precondition-failed'],
    handle: deleteOverride,
  },
  {
    id: 'queryPresence',
    method: 'post',
    path: '/v1/presence/query',
    tag,
    scope: 'read',
    summary: 'What many users do now',
    description: `Up to ${LIMITS.queryUsers} users at once.`,
    body: usersSchema.meta({ id: 'Query' }),
    answers: { 200: { means: 'In the order asked, each a document or a problem.', body: queryAnswer } },
    handle: queryPresence,
  },
];
