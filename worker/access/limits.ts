/** The limits of access; durations in milliseconds. */
export const ACCESS_LIMITS = {
  /** For so long at most a token that was revoked is still good in an isolate that had read the list before. */
  revocationAge: 5_000,
  /** From this age on the list is read anew beside a request, which does not wait for it. */
  revocationFresh: 2_500,
  /** For so long an isolate goes on with the list that it has while none can be read; after that it refuses. */
  revocationOutage: 300_000,
  /** So long after a watch was opened its board looks whether the token is still good: longer than `revocationAge`. */
  sweepAfterOpening: 10_000,
  /** So long after a board could not be told, or could not read the list, it is tried again. */
  sweepRetry: 5_000,
  /** Boards that are told of a revocation at the same time. */
  sweepBoards: 50,
  /** So long at least a revocation is kept, though its token has expired: by then every webhook that the token made has looked (`HOOK_LIMITS.upkeep`). */
  revocationKept: 24 * 3_600_000,
  /** Revocations that are kept at a time: tokens and subjects. What is above is refused: replace the secret instead. */
  revocations: 10_000,
  /** Tokens of which an isolate counts the requests; those that were seen least lately are forgotten, and start with a full bucket. */
  buckets: 10_000,
  /** Requests of one token in `rateWindow`, all at once if they like: default and greatest. */
  rate: 300_000,
  rateMax: 10_000_000,
  rateWindow: 60_000,
  /** Different label sets of one counter. */
  series: 500,
} as const;
