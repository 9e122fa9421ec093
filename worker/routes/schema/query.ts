import * as z from 'zod';
import { LIMITS, type Status } from '../../protocol/index.ts';
import { ROUTE_LIMITS } from '../limits.ts';
import { domainSchema } from './domain.ts';
import { userSchema } from './user.ts';

export const STATUSES = [
  'unknown',
  'dnd',
  'offline-waiting',
  'talking',
  'held',
  'ringing',
  'calling',
  'busy',
  'away',
  'available',
  'offline',
] as const satisfies readonly Status[];

/** The body of `POST /v1/presence/query`. Names are looked at one by one. */
export const usersSchema = z.object({ users: z.array(z.string()).max(LIMITS.queryUsers) });

/** The query of `GET /v1/domains/{domain}/presence`. */
export const listSchema = z.object({
  status: z.enum(STATUSES).optional(),
  limit: page(LIMITS.pageDefault, LIMITS.pageMax),
  cursor: z
    .string()
    .max(2 * LIMITS.userLength)
    .transform((text, context) => fromBase64url(text) ?? invalid(context))
    .optional(),
});

/** The cursor of a listing: the last user of the page, in base64url (RFC 4648 5). */
export function toBase64url(text: string): string {
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** What `toBase64url` wrote; undefined for what it did not. */
export function fromBase64url(text: string): string | undefined {
  try {
    return atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    return undefined;
  }
}

/** The cursor of a listing by ids: the id of the last entry of the page. */
export const idCursor = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, 'is none of ours')
  .transform(Number)
  .optional();

/** The `limit` of a listing. */
export function page(byDefault: number, max: number) {
  const number = z
    .string()
    .regex(/^\d{1,6}$/, 'is not a number')
    .transform(Number)
    .pipe(z.number().min(1).max(max));
  return number.default(byDefault);
}

function invalid(context: z.RefinementCtx): never {
  context.addIssue({ code: 'custom', message: 'is none of ours' });
  return z.NEVER;
}

/** The query of `GET /v1/watch` and `/v1/events`: users or one domain. */
export const watchedSchema = z
  .object({
    user: z
      .array(userSchema)
      .max(LIMITS.watchUsers, `more than ${LIMITS.watchUsers} users`)
      .optional()
      .describe('A user to watch; may be there several times.'),
    domain: domainSchema.optional().describe('A domain of which all users are watched.'),
    since: z.string().optional().describe('The cursor of the last frame that was seen: goes on from there.'),
  })
  .refine(({ user, domain }) => (user === undefined) !== (domain === undefined), {
    path: ['user'],
    message: 'watch either a domain or users',
  });

/** The query of `GET /metrics`. */
export const metricsSchema = z.object({
  domain: z
    .array(domainSchema)
    .max(ROUTE_LIMITS.metricDomains, `more than ${ROUTE_LIMITS.metricDomains}`)
    .optional()
    .describe('Domains whose users are counted by status.'),
});
