/** The limits of what is kept of one user; durations in milliseconds. */
export const PRESENCE_LIMITS = {
  /** Difference between a site's clock and ours from which its times are shifted. */
  clockTolerance: 2_000,
  /** A call ends by itself at the latest this long after the last word about it, whatever deadline its site gave. */
  callDeadline: 24 * 3_600_000,
  /** A terminal whose expiry is kept here ends at the latest this long after its last refresh. */
  terminalExpiry: 31 * 24 * 3_600_000,
  /** How long a user stays online who was put online by a call alone (FIG. 8, step 112), after the last such call ended. */
  impliedOnline: 3_600_000,
  /** Sites remembered of one user. */
  sites: 32,
  /** A site of which nothing is live may be forgotten this long after its last word, when the place is needed. */
  siteMemory: 24 * 3_600_000,
  /**
   * All that is kept of one user, as JSON, characters: it has to fit into a row of 2 MB, with up to 3 bytes a character. What makes it longer
   * is refused.
   */
  recordText: 512 * 1024,
  /** As many terminals and calls always fit: they are not measured. */
  unmeasured: 24,
  /** The same override once more within so long (or a tenth of its life) is taken for the same request, sent again. */
  overrideRepeat: 10_000,
  /** What a history entry keeps of its document, characters; of a longer one the words alone are kept. */
  historyDocument: 32 * 1024,
  /** Ends to come that `why` tells. */
  whyUpcoming: 8,
} as const;
