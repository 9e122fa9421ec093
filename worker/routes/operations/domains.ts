import { listDomain } from '../domains.ts';
import type { Operation } from '../operation.ts';
import { domainPage } from '../schema/answers.ts';
import { listSchema } from '../schema/query.ts';

export const DOMAIN_OPERATIONS: readonly Operation[] = [
  {
    id: 'listDomain',
    method: 'get',
    path: '/v1/domains/:domain/presence',
    tag: 'Presence',
    scope: 'read',
    summary: 'Who is what in a domain',
    description: 'By page, in the order of the names of users.',
    query: listSchema,
    answers: { 200: { means: 'A page of documents.', body: domainPage } },
    problems: ['bad-domain', 'domain-not-covered'],
    handle: listDomain,
  },
];
