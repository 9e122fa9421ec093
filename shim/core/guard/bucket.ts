/** A token bucket: `rate` tokens a second come in, up to `burst`; each message takes one. */
export interface Bucket {
  tokens: number;
  /** When the tokens were counted, ms since 1970. */
  at: number;
}

export interface Rate {
  /** A second. */
  readonly rate: number;
  readonly burst: number;
}

export const fullBucket = ({ burst }: Rate, now: number): Bucket => ({ tokens: burst, at: now });

/** Takes one token; false where there is none. */
export function take(bucket: Bucket, { rate, burst }: Rate, now: number): boolean {
  if (now > bucket.at) {
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * rate) / 1000);
    bucket.at = now;
  }
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

/** Gives back the token of a message that was taken. */
export function giveBack(bucket: Bucket, { burst }: Rate): void {
  bucket.tokens = Math.min(burst, bucket.tokens + 1);
}
