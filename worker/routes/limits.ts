import { LIMITS } from '../protocol/index.ts';

/** The limits of the routes; durations in milliseconds. */
export const ROUTE_LIMITS = {
  /** How long a request for many users waits for their objects, all together; those that are late are told of one by one (`retry`, 503). */
  batchTimeout: LIMITS.answerWithin,
  /** Objects that one request calls at the same time. */
  concurrency: 128,
  /** How long a request waits for a site's object before it goes on without. */
  siteTimeout: 2_000,
  /** A renewed lease is renewed again by the same isolate only after this part of its duration. */
  renewEvery: 1 / 6,
  /** A site that is out of touch is asked again after so long. */
  askAgain: 1_000,
  /** Sites of which an isolate remembers how they stand. */
  sitesKnown: 1_000,
  /** Tokens of which an isolate remembers what they say. */
  tokensKnown: 1_000,
  /** Users of a batch who are ready wait for the others, so that their board is told of all at once: until so many are ready, or so long. */
  boardGather: 32,
  boardWait: 20,
  /** Documents told to a board in one request, characters. */
  boardText: 4 * 1024 * 1024,
  /**
   * Bytes of server-sent events that wait for a client: where it is cut if they are no fewer after `eventsWait`, and where it is cut at once
   * (a snapshot, or what was missed, does not count); and how long it has to take what waits once it is cut.
   */
  eventsUnread: 1024 * 1024,
  eventsBurst: 8 * 1024 * 1024,
  eventsWait: 10_000,
  eventsEnd: 30_000,
  /** Pause between comments that keep a stream of events open, and the one that its client is told to make before it comes back. */
  keepAlive: 15_000,
  retry: 1_000,
  /** Entries of a page of history: default and greatest. */
  historyDefault: 50,
  historyMax: 200,
  /** Wait before a board that restarts is asked again on behalf of a request that waits. */
  watchRepeat: 500,
  /** Entries of a page of the audit: default and greatest. */
  auditDefault: 100,
  auditMax: 500,
  /** How long a request waits for the list of revoked tokens, and the pause between two tries to read it. */
  revocationTimeout: 2_000,
  revocationRetry: 1_000,
  /** After a refusal of Cloudflare's own limiter, which does not say, s. */
  limiterPause: 10,
  /** How often the use of one token of scope `admin` is noted in the audit, by each isolate. */
  adminNote: 3_600_000,
  /** Users that one request lists anew, and the length of its cursor, characters. */
  relistUsers: 200,
  relistCursor: 2 * LIMITS.userLength,
  /** Domains of which one scrape tells. */
  metricDomains: 20,
} as const;
