import * as z from 'zod';
import type { Operation } from '../operation.ts';
import { getPage } from '../page.ts';
import { getProblem, listProblems } from '../problems/page.ts';

const tag = 'About the Worker';
const HTML = ['text/html'];
const PAGE_OR_TEXT = ['text/html', 'text/plain'];

/** What is answered even where no secret is set. */
export const BARE_OPERATIONS: readonly Operation[] = [
  {
    id: 'getHealth',
    method: 'get',
    path: '/healthz',
    tag,
    scope: undefined,
    bare: true,
    summary: 'Whether the Worker is alive',
    answers: { 200: { means: 'It is.', body: z.object({ status: z.literal('ok') }).meta({ id: 'Health' }) } },
    handle: (c) => c.json({ status: 'ok' }),
  },
];

export const PAGE_OPERATIONS: readonly Operation[] = [
  {
    id: 'getWallboard',
    method: 'get',
    path: '/',
    tag,
    scope: undefined,
    summary: 'The wallboard',
    description: 'A page without data: what it shows it reads with the token that its user gives it.',
    answers: { 200: { means: 'The page.', types: HTML } },
    handle: getPage,
  },
  {
    id: 'listProblems',
    method: 'get',
    path: '/problems',
    tag,
    scope: undefined,
    summary: 'All kinds of errors',
    answers: { 200: { means: 'A page for browsers, text for the rest.', types: PAGE_OR_TEXT } },
    handle: listProblems,
  },
  {
    id: 'getProblem',
    method: 'get',
    path: '/problems/:kind',
    tag,
    scope: undefined,
    summary: 'What a kind of error means, and what to do',
    answers: { 200: { means: 'A page for browsers, text for the rest.', types: PAGE_OR_TEXT } },
    problems: ['no-such-path'],
    handle: getProblem,
  },
];
