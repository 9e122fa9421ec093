import type { Context } from 'hono';
import { ACCESS_LIMITS, Revocations } from '../access/index.ts';
import { logError } from '../log.ts';
import { accessObject } from '../objects/access.ts';
import { within } from '../objects/within.ts';
import type { TokenClaims } from '../protocol/index.ts';
import type { AppEnv } from './auth.ts';
import { ROUTE_LIMITS } from './limits.ts';

/** Reads what was revoked after a number. */
type Read = (after: number) => Promise<Parameters<Revocations['add']>[0]>;

/**
 * What an isolate knows of revoked tokens. The list is never older than `revocationAge` when it is asked, but where the access object
 * cannot be reached: then it does for `revocationOutage`. Each request reads for itself: what one began may end with it.
 */
export class RevocationCache {
  readonly #known = new Revocations();
  #readAt = Number.NEGATIVE_INFINITY;
  /** When reading was last begun, and when it last failed. */
  #begunAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;

  /** Whether a token is revoked; undefined where that cannot be known. `beside` takes what the request does not wait for. */
  async has(
    claims: TokenClaims,
    now: number,
    read: Read,
    beside: (work: Promise<unknown>) => void,
  ): Promise<boolean | undefined> {
    const age = now - this.#readAt;
    if (age >= ACCESS_LIMITS.revocationAge) {
      // While none can be read, few requests wait for that.
      if (now - this.#failedAt >= ROUTE_LIMITS.revocationRetry) await this.#refresh(now, read);
    } else if (age >= ACCESS_LIMITS.revocationFresh && now - this.#begunAt >= ROUTE_LIMITS.revocationRetry) {
      beside(this.#refresh(now, read));
    }
    if (now - this.#readAt > ACCESS_LIMITS.revocationOutage) return undefined;
    return this.#known.has(claims);
  }

  /** The next request reads: something was revoked here. */
  expire(now: number): void {
    this.#readAt = Math.min(this.#readAt, now - ACCESS_LIMITS.revocationAge);
  }

  async #refresh(now: number, read: Read): Promise<void> {
    this.#begunAt = now;
    try {
      this.#known.add(await within(ROUTE_LIMITS.revocationTimeout, read(this.#known.seq)), now);
      this.#readAt = Math.max(this.#readAt, now);
    } catch (error) {
      this.#failedAt = now;
      logError('the list of revoked tokens could not be read', error);
    }
  }
}

/** The one of this isolate. */
const cache = new RevocationCache();

/** Whether the bearer's token is revoked, no later than `revocationAge` after it was; undefined where that cannot be known. */
export function isRevoked(c: Context<AppEnv>, claims: TokenClaims): Promise<boolean | undefined> {
  const read: Read = (after) => accessObject(c.env).revocations(after);
  return cache.has(claims, Date.now(), read, (work) => c.executionCtx.waitUntil(work));
}

/** Something was revoked by a request to this isolate: here it holds at once. */
export function revokedHere(): void {
  cache.expire(Date.now());
}
