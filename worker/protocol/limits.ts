/** The limits of the wire contract; both halves hold to them. */
export const LIMITS = {
  /** Updates in one batch. */
  batchUpdates: 500,
  /** Body of one request, bytes. */
  batchBytes: 1024 * 1024,
  /** Canonical address of record, characters. */
  userLength: 256,
  /** Contact URI, peer URI, User-Agent, display name, Call-ID: characters. What is longer is cut (names) or refused (identities). */
  fieldLength: 512,
  /** Terminals of one user at one site. */
  terminals: 32,
  /** Calls of one user at one site. */
  calls: 64,
  /** Media lines told of one call. */
  media: 8,
  /**
   * Within so long the Worker answers a batch, ms; items of users that it could not reach by then are answered `retry`. A shim waits longer
   * for its answer: else one user's object that hangs would hold up everybody.
   */
  answerWithin: 6_000,
  /** Buckets of users in a reconciliation; users of one request, and users named in one answer. */
  reconcileBuckets: 1024,
  reconcileUsers: 2000,
  reconcileDiffer: 2000,
  /** Users of one `POST /v1/presence/query`. */
  queryUsers: 500,
  /** Users named in one `GET /v1/watch`. */
  watchUsers: 200,
  /** Overrides of one user side by side, the person's own among them. */
  overrides: 16,
  /** Note of an override, name of an application: characters. */
  overrideNote: 256,
  overrideApplication: 128,
  /** How long an override lasts, seconds: by default 8 hours, at most 30 days. */
  overrideDefault: 8 * 3_600,
  overrideMax: 30 * 24 * 3_600,
  /** Default and greatest page of a domain listing. */
  pageDefault: 100,
  pageMax: 500,
} as const;
