import * as z from 'zod';
import type { LeaseAnswer, ReconcileAnswer } from '../../protocol/index.ts';

/** How the lease of a site stands. */
export const leaseAnswer = z
  .object({
    state: z
      .enum(['held', 'reconcile', 'superseded'])
      .describe(
        '`held`: the site is in touch. `reconcile`: it has yet to compare what it holds. `superseded`: a later start of it was heard.',
      ),
    duration: z.int().describe('How long it lasts without a further word, ms.'),
    epoch: z.int().describe('The latest start of the site that was heard; 0 where it names none.'),
    round: z.int().describe('Which reconciliation is wanted, or was the last.'),
  })
  .meta({
    id: 'Lease',
    description: 'While it holds, what a site told counts as the truth (docs/leases.md).',
  }) satisfies z.ZodType<LeaseAnswer>;

export const reconcileAnswer = z
  .object({
    lease: leaseAnswer,
    differ: z.array(z.string()).describe('Users of whom the site holds something else than is recorded.'),
    more: z.boolean().describe('There are more: ask for the same range again once these have been told.'),
  })
  .meta({
    id: 'ReconcileAnswer',
    description: 'How the lease stands, and which users differ (docs/leases.md).',
  }) satisfies z.ZodType<ReconcileAnswer>;
