import * as z from 'zod';
import type { Operation } from '../operation.ts';
import { getOpenapi, getReference } from '../reference.ts';

const tag = 'About the Worker';

/** The reference of all operations, its own among them. */
export const referenceOperations = (all: () => readonly Operation[]): readonly Operation[] => [
  {
    id: 'getReference',
    method: 'get',
    path: '/reference',
    tag,
    scope: undefined,
    summary: 'This reference, as a page',
    answers: { 200: { means: 'The page.', types: ['text/html'] } },
    handle: getReference(all),
  },
  {
    id: 'getOpenapi',
    method: 'get',
    path: '/openapi.json',
    tag,
    scope: undefined,
    summary: 'This reference, as an OpenAPI 3.1 document',
    answers: { 200: { means: 'The document.', body: z.looseObject({}) } },
    handle: getOpenapi(all),
  },
];
