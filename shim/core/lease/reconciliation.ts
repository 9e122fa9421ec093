import { bucketOf, LIMITS, type ReconcilePage } from '#protocol';

/** What the site holds, to be compared with what the Worker has recorded of it. */
export interface Holdings {
  /** Everybody of whom anything is known. */
  users(): Iterable<string>;
  /** The digest of what is held of a user now; undefined where nothing is. */
  digestOf(user: string): string | undefined;
}

/** A range of buckets, and the users in it. */
interface Range {
  readonly from: number;
  readonly to: number;
  readonly users: readonly string[];
}

/** One comparison of all that the site holds, range by range. Digests are made when their range is asked for. */
export class Reconciliation {
  /** The round that asked for it. */
  readonly round: number;
  readonly epoch: number;
  readonly #holdings: Holdings;
  readonly #pageUsers: number;
  /** Those that are yet to be compared. */
  #ranges: Range[];
  #repeats = false;

  constructor(round: number, epoch: number, holdings: Holdings, pageUsers: number = LIMITS.reconcileUsers) {
    this.round = round;
    this.epoch = epoch;
    this.#holdings = holdings;
    this.#pageUsers = pageUsers;
    this.#ranges = ranges(holdings.users(), pageUsers);
  }

  /** Is a range to be asked for again, as more users differed than were named. */
  get repeats(): boolean {
    return this.#repeats;
  }

  /** Has every range been compared. */
  get compared(): boolean {
    return this.#ranges.length === 0;
  }

  /** What is asked next; undefined where all was. */
  page(): Omit<ReconcilePage, 'version'> | undefined {
    const [range] = this.#ranges;
    if (range === undefined) return undefined;
    const digests = range.users.flatMap((user) => {
      const digest = this.#holdings.digestOf(user);
      return digest === undefined ? [] : [[user, digest] as const];
    });
    return { epoch: this.epoch, from: range.from, to: range.to, users: Object.fromEntries(digests) };
  }

  /**
   * The range was compared: on to the next, or where there was `more`, to the same once more. Who has come since is in it then: users who are not
   * claimed would be told, and differ, for ever.
   */
  next(more: boolean): void {
    this.#repeats = more;
    const compared = this.#ranges.shift();
    if (more && compared) this.#ranges = ranges(this.#holdings.users(), this.#pageUsers, compared.from);
  }
}

/** All buckets from one on, in ranges of at most `size` users; a single bucket with more of them is told in part, and the rest differs: it is told anew. */
function ranges(users: Iterable<string>, size: number, first = 0): Range[] {
  const buckets = new Map<number, string[]>();
  for (const user of users) {
    const bucket = bucketOf(user);
    const known = buckets.get(bucket);
    if (known === undefined) buckets.set(bucket, [user]);
    else known.push(user);
  }
  const all: Range[] = [];
  let from = first;
  let held: string[] = [];
  for (let bucket = first; bucket < LIMITS.reconcileBuckets; bucket++) {
    const more = buckets.get(bucket) ?? [];
    if (held.length > 0 && held.length + more.length > size) {
      all.push({ from, to: bucket, users: held });
      from = bucket;
      held = [];
    }
    held.push(...more.slice(0, size));
  }
  all.push({ from, to: LIMITS.reconcileBuckets, users: held });
  return all;
}
