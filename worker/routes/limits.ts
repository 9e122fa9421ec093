/** The limits of the routes; durations in milliseconds. */
export const ROUTE_LIMITS = {
  /** How long a request waits for a user's object; its items are answered `retry` after that. */
  objectTimeout: 10_000,
  /** Objects that one request calls at the same time. */
  concurrency: 64,
  /** Entries of a page of history: default and greatest. */
  historyDefault: 50,
  historyMax: 200,
} as const;
