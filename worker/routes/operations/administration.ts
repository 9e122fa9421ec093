import { getAudit } from '../audit.ts';
import { getMetrics } from '../metrics.ts';
import type { Operation } from '../operation.ts';
import { postRelist } from '../relist.ts';
import { getRevocations, postRevocation } from '../revocations.ts';
import { auditPage, relistAnswer, revocationAnswer, revocationPage } from '../schema/answers.ts';
import { auditSchema } from '../schema/audit.ts';
import { metricsSchema } from '../schema/query.ts';
import { relistSchema } from '../schema/relist.ts';
import { revocationListSchema, revokeSchema } from '../schema/revocation.ts';

const tag = 'Administration';

export const ADMINISTRATION_OPERATIONS: readonly Operation[] = [
  {
    id: 'getAudit',
    method: 'get',
    path: '/v1/audit',
    tag,
    scope: 'admin',
    summary: 'Who did what',
    query: auditSchema,
    answers: { 200: { means: 'A page of administrative acts.', body: auditPage } },
    problems: ['bad-user', 'domain-not-covered'],
    handle: getAudit,
  },
  {
    id: 'postRelist',
    method: 'post',
    path: '/v1/domains/:domain/relist',
    tag,
    scope: 'admin',
    summary: 'List users anew after the number of boards was lowered',
    description: 'Some at a time, from the cursor on (docs/watching.md). It may be repeated.',
    body: relistSchema.meta({ id: 'RelistRequest' }),
    answers: { 200: { means: 'These are listed by their boards of now.', body: relistAnswer } },
    problems: ['bad-domain', 'domain-not-covered'],
    handle: postRelist,
  },
  {
    id: 'postRevocation',
    method: 'post',
    path: '/v1/tokens/revocations',
    tag,
    scope: 'admin',
    summary: 'Revoke a token, or all of a subject',
    body: revokeSchema.meta({ id: 'RevocationRequest' }),
    answers: { 201: { means: 'It is revoked, everywhere within 5 seconds.', body: revocationAnswer } },
    problems: ['domain-not-covered', 'conflict'],
    handle: postRevocation,
  },
  {
    id: 'getRevocations',
    method: 'get',
    path: '/v1/tokens/revocations',
    tag,
    scope: 'admin',
    summary: 'What is revoked',
    query: revocationListSchema,
    answers: { 200: { means: 'A page of revocations.', body: revocationPage } },
    problems: ['domain-not-covered'],
    handle: getRevocations,
  },
  {
    id: 'getMetrics',
    method: 'get',
    path: '/metrics',
    tag,
    scope: 'metrics',
    summary: 'Counters and gauges for Prometheus',
    query: metricsSchema,
    answers: { 200: { means: 'Text of the exposition format.', types: ['text/plain'] } },
    problems: ['bad-domain', 'domain-not-covered'],
    handle: getMetrics,
  },
];
