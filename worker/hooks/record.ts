import type { DetailLevel, PresenceDocument, Status } from '../protocol/index.ts';

/** A key that deliveries are signed with. */
export interface HookSecret {
  /** `whsec_` and the key in base64. */
  readonly secret: string;
  /** Signed with until then, ms since 1970; null for the one that stays. */
  readonly until: number | null;
}

/** Whose token made a webhook: by these claims it is told whether that is revoked. */
export interface HookMaker {
  readonly jti?: string | undefined;
  readonly sub?: string | undefined;
  /** s since 1970 */
  readonly iat: number;
}

/** What a webhook, or the callback of a one-shot watch, was made for. Times are ms since 1970. */
export interface HookRecord {
  readonly id: string;
  /** A webhook tells every change; a watch tells one, once. */
  readonly kind: 'webhook' | 'watch';
  readonly url: string;
  readonly domain: string;
  /** Users, all of that domain; null for everybody in it. */
  readonly users: readonly string[] | null;
  /** How much is told: never more than the token may see that made it. */
  readonly detail: DetailLevel;
  /** Only changes into one of these; null for any. */
  readonly statuses: readonly Status[] | null;
  /** Whether changes are told that leave the one word as it is. */
  readonly changes: 'all' | 'status';
  readonly description?: string;
  readonly createdAt: number;
  /** The newest first. */
  readonly secrets: readonly HookSecret[];
  /**
   * `paused`: events wait. `disabled`: the receiver said 410 Gone, nothing is taken any more. `done`: a watch that has told, or is over.
   * `revoked`: the token that made it is, nothing is taken or delivered any more. `deleted`: until the boards have forgotten it.
   */
  readonly state: 'active' | 'paused' | 'disabled' | 'revoked' | 'done' | 'deleted';
  /** Undefined for one that was made before this was noted. */
  readonly maker?: HookMaker;
  /** When a watch ends though nothing came; null for a webhook. */
  readonly until: number | null;
}

/** A change as it is told: the former word, where the hook keeps it, decides whether it is one of the word. */
export function wants(record: HookRecord, document: PresenceDocument, former: Status | undefined): boolean {
  if (record.state !== 'active' && record.state !== 'paused') return false;
  // "Tell me when this user is free" is not answered by what may be old.
  if (record.kind === 'watch' && document.stale) return false;
  if (record.changes === 'status' && document.status === former) return false;
  return record.statuses === null || record.statuses.includes(document.status);
}

/** The secrets that a delivery is signed with at a time, the newest first. */
export function secretsAt(record: HookRecord, now: number): string[] {
  return record.secrets.filter(({ until }) => until === null || until > now).map(({ secret }) => secret);
}

/** The record with a new secret; the one before is valid until a time, ms since 1970, and of older ones only so many as may be. */
export function rotate(record: HookRecord, secret: string, until: number, now: number, most: number): HookRecord {
  const valid = record.secrets.filter((former) => former.until === null || former.until > now);
  const former = valid.map((one) => ({ secret: one.secret, until: Math.min(one.until ?? until, until) }));
  return { ...record, secrets: [{ secret, until: null }, ...former].slice(0, most) };
}
