/** The limits of the objects; durations in milliseconds. */
export const OBJECT_LIMITS = {
  /** Boards of one domain: default and greatest number. */
  shardsDefault: 4,
  shardsMax: 64,
  /** Users of whom an isolate remembers what their objects are named. */
  namesKnown: 10_000,
  /** How long a user's object waits for its board before it goes on without: so long the reporter waits for the verdict. */
  boardTimeout: 2_000,
  /** Wait before a board that could not be reached is tried again: first, doubling up to the last. */
  boardRetryMin: 1_000,
  boardRetryMax: 60_000,
  /** Changes that wait in a user's object for its board; the oldest go first, the newest state never. */
  boardQueue: 64,
  /** Entries of a user's history and their age in days: default and greatest (HISTORY_ENTRIES, HISTORY_AGE). */
  historyDefault: 200,
  historyMax: 10_000,
  historyDays: 30,
  historyDaysMax: 3_650,
  /** Entries that are too old are not read any more; they are deleted at most so long after, several at a time. */
  historyGrace: 24 * 3_600_000,
  /** A user whose data were deleted is taken off the boards once more so long after: a request under way may have put them back. */
  dropAgain: 15_000,
  /** Wait before a board is tried again that could not be told of a deletion. */
  dropRetry: 5_000,
  /** So long after an override, a deletion or a site's loss the object wakes up, should it have been killed before the boards were told. */
  untoldAgain: 5_000,
  /**
   * Cloudflare gives an alarm that fails 6 more tries, then forgets it. From this one on another alarm is set before anything else is done, so
   * that there is always one.
   */
  alarmRetries: 4,
  /** When that other alarm goes off. */
  alarmAgain: 60_000,
  /** How long a site stays in touch without a word: default, least and greatest. */
  leaseDefault: 30_000,
  leaseMin: 1_000,
  leaseMax: 3_600_000,
  /** A site whose lease is not known (memory was lost) has so long to speak before it counts as out of touch. */
  leaseDoubt: 3_500,
  /** Boards that one site is known to stand on; those beyond are not told when it is lost. */
  siteBoards: 4_096,
  /** Boards that a site tells at the same time that it is lost or back. */
  siteTells: 16,
  /** Watchers of one board, or of one list server. */
  watchers: 10_000,
  /** Of these, with one token. */
  watchersByToken: 2_000,
  /** List servers of one domain: default and greatest number. */
  listServersDefault: 1,
  listServersMax: 64,
  /** So long after it was opened, or could not be, a trunk is not opened again. */
  trunkRetry: 1_000,
  /** Users in one snapshot frame, and their documents in it, characters; a document that is longer has a frame of its own. */
  snapshotUsers: 500,
  snapshotText: 256 * 1024,
  /** Text that a watcher may send, characters; only `ping` and `ack` mean something. */
  watcherMessage: 1_024,
  /** Changes that wait in a board for one webhook; above it the newest document of each user stands for them. */
  hookQueue: 1_000,
  /** Changes told to a webhook in one request, and their documents, characters. */
  hookParcel: 100,
  hookText: 256 * 1024,
  /** So long after a change a board looks whether its webhooks have confirmed it. */
  hookRepeat: 10_000,
  /** Requests that wait at one board for a user's status. */
  waiters: 1_000,
  /** Of these, of one token. */
  waitersByToken: 200,
  /** Audit: days and entries kept, default and greatest; and the least pause between two clearings. */
  auditDays: 90,
  auditDaysMax: 3_650,
  auditEntries: 10_000,
  auditEntriesMax: 1_000_000,
  auditTrimPause: 3_600_000,
  /** Answers of a watcher that nobody asked for. */
  watcherAcks: 100,
  /** News that a board tells its watchers before their commit, of one group; more are told after it. */
  toldAhead: 1_024,
  /** Changes that a board keeps in memory for watchers who come back, and their documents, characters. */
  feedChanges: 4_096,
  feedText: 4 * 1024 * 1024,
  /**
   * What a watcher has been sent and may not have read, characters: where it is asked, how long it has for its answer, where it is cut
   * if it does not give one, and where it is cut even before (a snapshot, or what was missed, does not count).
   */
  watcherAsk: 32 * 1024,
  watcherAnswer: 10_000,
  watcherUnread: 1024 * 1024,
  watcherBurst: 8 * 1024 * 1024,
  /** The same for all watchers of a board together, snapshots included: above it, those go who do not answer and are furthest behind. */
  boardUnread: 64 * 1024 * 1024,
} as const;
