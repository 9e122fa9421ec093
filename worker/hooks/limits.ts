/** The limits of webhooks and of one-shot watches; durations in milliseconds. */
export const HOOK_LIMITS = {
  /** Webhooks of one domain, and what listens to one board in all (webhooks and callbacks). */
  perDomain: 100,
  perBoard: 1_000,
  /** Users that one webhook names. */
  users: 200,
  /** Address that is delivered to, and description, characters. */
  urlLength: 2_048,
  descriptionLength: 256,
  /** Events that wait in one webhook. Above it the oldest are left out: superseded by a newer one of their user, else dead. */
  queue: 10_000,
  /** Deliveries of one webhook under way at once: so many connections one invocation may wait for on Cloudflare. */
  inFlight: 6,
  /** After so many failures in a row, whoever they concern, the receiver is asked by one delivery at a time until one succeeds. */
  failuresBeforeOne: 5,
  /** How long a receiver may take to answer. */
  attemptTimeout: 10_000,
  /** Wait before an event is tried again: first, doubling up to the last, each less a jitter of up to a half. */
  retryMin: 5_000,
  retryMax: 3_600_000,
  /** An event is tried for so long after it was taken, then it is a dead letter. */
  retryFor: 24 * 3_600_000,
  /** Dead letters that are kept, by number and by age. */
  deadLetters: 1_000,
  deadFor: 30 * 24 * 3_600_000,
  /** Delivered events that are kept for a replay, by number and by age. */
  kept: 5_000,
  keptFor: 3 * 24 * 3_600_000,
  /** How long the former secret of a rotation stays valid: by default, and at most; seconds. Secrets that are valid at once. */
  secretOverlap: 24 * 3_600,
  secretOverlapMax: 7 * 24 * 3_600,
  secrets: 3,
  /** One alarm delivers for so long, and so many; then it sets the next, since an invocation has its limits. */
  runFor: 60_000,
  runDeliveries: 500,
  /** Wait before a board that could not be told that a webhook is deleted is told again. */
  forgetRetry: 60_000,
  /** How often a webhook looks whether the boards still know it, and clears away what is older than it need be. */
  upkeep: 3_600_000,
  /** Dead letters in one page: default and greatest. */
  pageDefault: 50,
  pageMax: 200,
  /** Seconds that a one-shot watch waits for its answer at most, and how long a callback lives by default and at most. */
  waitMax: 60,
  expiresDefault: 3_600,
  expiresMax: 7 * 24 * 3_600,
} as const;
