import * as z from 'zod';
import { LIMITS } from '../../protocol/index.ts';
import type { Operation } from '../operation.ts';
import { postReconcile, postStop } from '../reconcile.ts';
import { batchSchema } from '../schema/batch.ts';
import { reconcileAnswer } from '../schema/lease.ts';
import { doneSchema, pageSchema, stopSchema } from '../schema/reconcile.ts';
import { updateSchema } from '../schema/update.ts';
import { updateAnswer } from '../schema/verdict.ts';
import { postUpdates } from '../updates.ts';

const batch = batchSchema.extend({ updates: z.array(updateSchema).max(LIMITS.batchUpdates) }).meta({
  id: 'UpdateBatch',
  description: 'The items are looked at one by one: a bad one does not spoil the others.',
});

export const UPDATE_OPERATIONS: readonly Operation[] = [
  {
    id: 'postUpdates',
    method: 'post',
    path: '/v1/updates',
    tag: 'Reporting',
    scope: 'ingest',
    summary: 'What a site has to tell',
    description: `Up to ${LIMITS.batchUpdates} updates, in the order of \`sequence\` for each user. A batch may be sent again: what was stored before changes nothing.`,
    body: batch,
    answers: { 200: { means: 'One verdict an item.', body: updateAnswer } },
    problems: ['unknown-version', 'too-many-items', 'other-site'],
    handle: postUpdates,
  },
  {
    id: 'postReconcile',
    method: 'post',
    path: '/v1/sites/:site/reconcile',
    tag: 'Reporting',
    scope: 'ingest',
    summary: 'Compare what a site holds with what is recorded',
    body: z.union([pageSchema, doneSchema]).meta({ id: 'ReconcileRequest' }),
    answers: { 200: { means: 'Which users differ.', body: reconcileAnswer } },
    problems: ['bad-parameter', 'unknown-version', 'other-site'],
    handle: postReconcile,
  },
  {
    id: 'postStop',
    method: 'post',
    path: '/v1/sites/:site/stop',
    tag: 'Reporting',
    scope: 'ingest',
    summary: 'A site stops as planned',
    body: stopSchema.meta({ id: 'StopRequest' }),
    answers: { 200: { means: 'It is known.', body: reconcileAnswer } },
    problems: ['bad-parameter', 'unknown-version', 'other-site'],
    handle: postStop,
  },
];
