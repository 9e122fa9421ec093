import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import { logError } from '../log.ts';
import { type Lease, lapsed, left, type Renewal, reconciled, renewed } from '../presence/index.ts';
import type { LeaseAnswer } from '../protocol/index.ts';
import { concurrently } from '../routes/concurrently.ts';
import { OBJECT_LIMITS } from './limits.ts';
import { boardObject } from './places.ts';
import { SiteStore } from './site-store.ts';
import { within } from './within.ts';

/** How a site stands, for those who read. */
export interface Standing {
  /** Since when it is out of touch, ms since 1970; null while it is in touch. */
  readonly since: number | null;
  /** In touch at least until then, ms since 1970. */
  readonly until: number;
}

/**
 * One site: the lease by which it is known to be in touch. A renewal writes nothing: the end of the lease is kept in memory, and the alarm, which
 * is set to a lower bound of it, sets itself again where it comes too early. Stored is what changes seldom: the incarnation, whether it has
 * reconciled, since when it is lost, and on which boards its users stand.
 */
export class Site extends DurableObject<Env> {
  readonly #store: SiteStore;
  #lease: Lease | undefined;
  /** What each board was last told: since when the site is lost, 0 where it is in touch. */
  readonly #told = new Map<string, number>();
  #site = '';
  /** Of its lease, ms; undefined after a loss of memory. */
  #duration: number | undefined;
  #telling: Promise<void> | undefined;
  #failures = 0;
  /** When boards that failed are told again, ms since 1970. */
  #retryAt: number | undefined;
  /** When the alarm is set to go off, ms since 1970. */
  #armed: number | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new SiteStore(ctx.storage);
    for (const { board, told } of this.#store.boards()) this.#told.set(board, told);
    void ctx.blockConcurrencyWhile(async () => {
      this.#armed = await ctx.storage.getAlarm();
      // How far the lease was renewed is lost with the memory. It was good until the alarm; beyond, the site gets a moment to speak.
      const stored = this.#store.load(Math.max(this.#armed ?? 0, Date.now() + OBJECT_LIMITS.leaseDoubt));
      this.#site = stored?.site ?? '';
      this.#lease = stored?.lease;
    });
  }

  /** A batch of the site arrived, about users of these boards. `duration` of the lease in ms. */
  async renew(site: string, epoch: number | undefined, boards: readonly string[], duration: number): Promise<LeaseAnswer> {
    this.#site = site;
    this.#learn(boards);
    return this.#take(renewed(this.#lease, epoch, Date.now(), duration), duration);
  }

  /** That incarnation has compared what it holds with what is recorded, in that round, and told all that differed. */
  async reconciled(site: string, epoch: number, round: number, duration: number): Promise<LeaseAnswer> {
    this.#site = site;
    const now = Date.now();
    const known = this.#lease ?? renewed(undefined, epoch, now, duration).lease;
    return this.#take(reconciled(known, epoch, round, now, duration), duration);
  }

  /** The last word of that incarnation, which stops as planned; `leave`: having told the end of all that it had told. */
  async stop(site: string, epoch: number, leave: boolean, duration: number): Promise<LeaseAnswer> {
    this.#site = site;
    const renewal = renewed(this.#lease, epoch, Date.now(), duration);
    const gone = leave && renewal.state !== 'superseded' && renewal.lease.staleSince === null;
    return this.#take(gone ? { ...renewal, lease: left(renewal.lease, epoch) } : renewal, duration);
  }

  /** How the site stands; null for one never heard. A read, so it stores nothing. */
  async standing(): Promise<Standing | null> {
    if (this.#lease === undefined) return null;
    const { staleSince, until, left } = lapsed(this.#lease, Date.now());
    // One that has left may come back at any time: it is in touch for a lease then, at least.
    return { since: staleSince, until: left ? Date.now() + (this.#duration ?? OBJECT_LIMITS.leaseMin) : until };
  }

  /** The boards on which its users stand. */
  async boards(): Promise<string[]> {
    return [...this.#told.keys()];
  }

  /** The lease may have run out. What is to be done is told from state, so an early or repeated call is harmless. */
  override async alarm(): Promise<void> {
    this.#armed = null;
    this.#retryAt = undefined;
    if (this.#lease !== undefined) this.#commit(lapsed(this.#lease, Date.now()));
    await this.#telling;
  }

  #take({ lease, state }: Renewal, duration: number): LeaseAnswer {
    this.#duration = duration;
    this.#commit(lease);
    return { state, duration, epoch: lease.epoch, round: lease.round };
  }

  #commit(lease: Lease): void {
    const before = this.#lease;
    this.#lease = lease;
    if (before === undefined || !sameButUntil(before, lease)) this.#store.save({ site: this.#site, lease });
    if (this.#untold().length > 0 && this.#retryAt === undefined) {
      this.#telling ??= this.#tell().finally(() => {
        this.#telling = undefined;
      });
      this.ctx.waitUntil(this.#telling);
      // Should this process die before they know, the alarm tells them: the site may never speak again.
      this.#armBy(Date.now() + OBJECT_LIMITS.untoldAgain);
    }
    this.#arm();
  }

  /** Boards that do not know how the site stands. */
  #untold(): string[] {
    const since = this.#lease?.staleSince ?? 0;
    return [...this.#told].flatMap(([board, told]) => (told === since ? [] : [board]));
  }

  /** Tells every board how the site stands, until each knows it; those that fail are told again later, by alarm. */
  async #tell(): Promise<void> {
    let failed = false;
    for (let boards = this.#untold(); boards.length > 0 && !failed; boards = this.#untold()) {
      const since = this.#lease?.staleSince ?? 0;
      const done = await concurrently(boards, OBJECT_LIMITS.siteTells, (board) => this.#tellOne(board, since));
      failed = done.includes(false);
    }
    if (!failed) {
      this.#failures = 0;
      return;
    }
    this.#retryAt = Date.now() + Math.min(OBJECT_LIMITS.boardRetryMin * 2 ** this.#failures++, OBJECT_LIMITS.boardRetryMax);
    this.#arm();
  }

  async #tellOne(board: string, since: number): Promise<boolean> {
    try {
      await within(OBJECT_LIMITS.boardTimeout, boardObject(this.env, board).siteStands(this.#site, since));
      this.#store.told(board, since);
      this.#told.set(board, since);
      return true;
    } catch (error) {
      logError(`board ${board} could not be told of a site`, error);
      return false;
    }
  }

  #learn(boards: readonly string[]): void {
    for (const board of boards) {
      if (this.#told.has(board)) continue;
      if (this.#told.size >= OBJECT_LIMITS.siteBoards) {
        logError(`a site stands on more than ${OBJECT_LIMITS.siteBoards} boards`);
        return;
      }
      this.#store.addBoard(board);
      this.#told.set(board, 0);
    }
  }

  /** Each `setAlarm` is a row written: it is set only where none is, or where it would come too late. */
  #arm(): void {
    const lease = this.#lease;
    const lapses = lease === undefined || lease.staleSince !== null || lease.left ? Infinity : lease.until;
    const wanted = Math.min(lapses, this.#retryAt ?? Infinity);
    if (wanted !== Infinity) this.#armBy(wanted);
  }

  #armBy(time: number): void {
    if (this.#armed !== null && this.#armed <= time) return;
    this.#armed = time;
    void this.ctx.storage.setAlarm(time);
  }
}

function sameButUntil(a: Lease, b: Lease): boolean {
  return (
    a.epoch === b.epoch &&
    a.round === b.round &&
    a.reconciled === b.reconciled &&
    a.staleSince === b.staleSince &&
    a.left === b.left
  );
}
