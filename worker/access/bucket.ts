import { ACCESS_LIMITS } from './limits.ts';

/** How often a token may ask: `quota` requests at once, and as many again in each window. */
export interface Quota {
  readonly quota: number;
  /** ms */
  readonly window: number;
}

/** What came of a request. */
export interface Grant {
  readonly granted: boolean;
  /** Requests that are left at this moment. */
  readonly left: number;
  /** Until the bucket is full again or, where nothing was granted, until the next request is; whole seconds, rounded up. */
  readonly seconds: number;
}

interface Bucket {
  left: number;
  /** When `left` was counted, ms since 1970. */
  at: number;
}

/**
 * Token buckets by key, as many as the limit: where there is no room for one more, the one that was used least lately goes. Who comes
 * with many tokens may so get rid of a bucket of his own; tokens are made by who has the secret, so nobody has many.
 */
export class Buckets {
  readonly #most: number;
  /** In the order of their last use. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(most: number = ACCESS_LIMITS.buckets) {
    this.#most = most;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Takes one request out of the bucket of `key`, if there is one in it. A clock that goes back fills nothing. */
  take(key: string, { quota, window }: Quota, now: number): Grant {
    const bucket = this.#buckets.get(key) ?? { left: quota, at: now };
    this.#buckets.delete(key);
    const perMs = quota / window;
    bucket.left = Math.min(quota, bucket.left + Math.max(0, now - bucket.at) * perMs);
    bucket.at = now;
    this.#buckets.set(key, bucket);
    this.#makeRoom();
    const granted = bucket.left >= 1;
    if (granted) bucket.left -= 1;
    const missing = granted ? quota - bucket.left : 1 - bucket.left;
    return { granted, left: Math.floor(bucket.left), seconds: Math.ceil(missing / perMs / 1000) };
  }

  #makeRoom(): void {
    for (const key of this.#buckets.keys()) {
      if (this.#buckets.size <= this.#most) return;
      this.#buckets.delete(key);
    }
  }
}
