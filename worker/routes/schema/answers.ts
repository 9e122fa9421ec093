import * as z from 'zod';
import { type HistoryPage, OVERRIDE_ACTIVITIES, type OverrideDocument, type PastDocument } from '../../protocol/index.ts';
import type { AuditEntry } from '../audit.ts';
import type { RevocationDocument } from '../revocations.ts';
import { ACTS } from './audit.ts';
import { historyEntry } from './change.ts';
import { instant, presenceDocument } from './document.ts';
import { problemSchema } from './problem.ts';

/** Of a page. */
export const cursor = z.string().exactOptional().describe('For the next page; absent on the last.');
const page = <T extends z.ZodRawShape>(shape: T) => z.object({ ...shape, cursor });

/** What `GET /v1/presence/{user}?at=` answers. */
export const pastDocument = presenceDocument
  .extend({
    asOf: z.object({
      at: instant.describe('The time that was asked for.'),
      since: instant.describe('When this state began.'),
      until: instant.nullable().describe('When the next one began; null where it holds still.'),
      recorded: instant.nullable().describe('When it was written down; null where that is not known.'),
      partial: z
        .literal(true)
        .exactOptional()
        .describe('There was more than is kept: `terminals` and `calls` are empty, whatever there were.'),
    }),
  })
  .meta({ id: 'PastPresence', description: 'The presence document as it was at a time.' }) satisfies z.ZodType<PastDocument>;

export const historyPage = page({
  entries: z.array(historyEntry).describe('Newest first.'),
  keptSince: instant.nullable().describe('The history is whole from then on; null where nothing is kept.'),
}).meta({ id: 'HistoryPage' }) satisfies z.ZodType<HistoryPage>;

export const domainPage = page({ users: z.array(presenceDocument) }).meta({ id: 'DomainPage' });

export const queryAnswer = z.object({ users: z.array(z.union([presenceDocument, problemSchema])) }).meta({ id: 'QueryAnswer' });

const word = {
  activity: z.enum(OVERRIDE_ACTIVITIES),
  note: z.string().exactOptional().describe('Not at detail `busy-only`.'),
  since: instant.describe('When this word was first said.'),
  expires: instant,
  effective: z.boolean().describe('Of all that are set, the one that the presence document shows.'),
};

export const overrideDocument = z
  .discriminatedUnion('by', [
    z.object({ by: z.literal('person'), ...word }),
    z.object({ by: z.literal('application'), application: z.string(), ...word }),
  ])
  .meta({ id: 'Override', description: "A person's or an application's own word." }) satisfies z.ZodType<OverrideDocument>;

const { note: _note, ...bareWord } = word;

/** Whose it is is not told at detail `busy-only`. */
const bareOverride = z.object(bareWord).meta({ id: 'BareOverride', description: 'An override at detail `busy-only`.' });

export const overrideList = z
  .object({ overrides: z.array(z.union([overrideDocument, bareOverride])) })
  .meta({ id: 'OverrideList' });

const auditEntry = z
  .object({
    id: z.int().describe('Rises with time.'),
    at: instant,
    act: z.enum(ACTS),
    token: z.string().nullable().describe('`jti` of the token that did it.'),
    subject: z.string().nullable().describe('Its `sub`.'),
    domain: z.string().nullable().describe('The domain that it concerns.'),
    user: z.string().exactOptional().describe('Pseudonym of the user concerned: `?user=` finds it.'),
    target: z.string().exactOptional().describe('Id of a webhook, a revoked token, an application.'),
    note: z.string().exactOptional(),
  })
  .meta({ id: 'AuditEntry', description: 'An administrative act (docs/tokens.md).' }) satisfies z.ZodType<AuditEntry>;

export const auditPage = page({ entries: z.array(auditEntry).describe('Newest first.') }).meta({ id: 'AuditPage' });

export const relistAnswer = page({
  listed: z.int().describe('Users that were looked at. Ask again while there is a cursor.'),
}).meta({
  id: 'Relisted',
});

export const revocationAnswer = z
  .union([
    z.object({ id: z.int(), jti: z.string(), until: instant.nullable().describe('When the token ends by itself.'), at: instant }),
    z.object({ id: z.int(), subject: z.string(), before: instant.describe('Tokens made before are revoked.'), at: instant }),
  ])
  .meta({
    id: 'Revocation',
    description: 'Of one token, or of all tokens of a subject.',
  }) satisfies z.ZodType<RevocationDocument>;

export const revocationPage = page({ revocations: z.array(revocationAnswer).describe('Newest first.') }).meta({
  id: 'RevocationPage',
});
