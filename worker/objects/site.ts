import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import { type Lease, lapsed, left, type Renewal, reconciled, renewed } from '../presence/index.ts';
import type { LeaseAnswer } from '../protocol/index.ts';
import { OBJECT_LIMITS } from './limits.ts';
import { SiteStore } from './site-store.ts';

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
  /** Boards known to be stored. */
  readonly #boards: Set<string>;
  /** When the alarm is set to go off, ms since 1970. */
  #armed: number | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new SiteStore(ctx.storage);
    this.#boards = new Set(this.#store.boards().map(({ board }) => board));
    void ctx.blockConcurrencyWhile(async () => {
      this.#armed = await ctx.storage.getAlarm();
      // How far the lease was renewed is lost with the memory. It was good until the alarm; beyond, the site gets a moment to speak.
      this.#lease = this.#store.load(Math.max(this.#armed ?? 0, Date.now() + OBJECT_LIMITS.leaseDoubt));
    });
  }

  /** A batch of the site arrived, about users of these boards. `duration` of the lease in ms. */
  async renew(epoch: number | undefined, boards: readonly string[], duration: number): Promise<LeaseAnswer> {
    this.#learn(boards);
    return this.#take(renewed(this.#lease, epoch, Date.now(), duration), duration);
  }

  /** That incarnation has compared what it holds with what is recorded, in that round, and told all that differed. */
  async reconciled(epoch: number, round: number, duration: number): Promise<LeaseAnswer> {
    const now = Date.now();
    const known = this.#lease ?? renewed(undefined, epoch, now, duration).lease;
    return this.#take(reconciled(known, epoch, round, now, duration), duration);
  }

  /** The last word of that incarnation, which stops as planned; `leave`: having told the end of all that it had told. */
  async stop(epoch: number, leave: boolean, duration: number): Promise<LeaseAnswer> {
    const renewal = renewed(this.#lease, epoch, Date.now(), duration);
    const gone = leave && renewal.state !== 'superseded' && renewal.lease.staleSince === null;
    return this.#take(gone ? { ...renewal, lease: left(renewal.lease, epoch) } : renewal, duration);
  }

  /** How the site stands; null for one never heard. A read, so it stores nothing. */
  async standing(): Promise<Standing | null> {
    if (this.#lease === undefined) return null;
    const { staleSince, until, left } = lapsed(this.#lease, Date.now());
    return { since: staleSince, until: left ? Date.now() + OBJECT_LIMITS.leaseDefault : until };
  }

  /** The boards on which its users stand. */
  async boards(): Promise<string[]> {
    return [...this.#boards];
  }

  /** The lease may have run out. What is to be done is told from state, so an early or repeated call is harmless. */
  override async alarm(): Promise<void> {
    this.#armed = null;
    if (this.#lease !== undefined) this.#commit(lapsed(this.#lease, Date.now()));
  }

  #take({ lease, state }: Renewal, duration: number): LeaseAnswer {
    this.#commit(lease);
    return { state, duration, epoch: lease.epoch, round: lease.round };
  }

  #commit(lease: Lease): void {
    const before = this.#lease;
    this.#lease = lease;
    if (before === undefined || !sameButUntil(before, lease)) this.#store.save(lease);
    this.#arm();
  }

  #learn(boards: readonly string[]): void {
    for (const board of boards) {
      if (this.#boards.has(board)) continue;
      if (this.#boards.size >= OBJECT_LIMITS.siteBoards) {
        console.error(`a site stands on more than ${OBJECT_LIMITS.siteBoards} boards`);
        return;
      }
      this.#store.addBoard(board);
      this.#boards.add(board);
    }
  }

  /** Each `setAlarm` is a row written: it is set only where none is, or where it would come too late. */
  #arm(): void {
    const lease = this.#lease;
    if (lease === undefined || lease.staleSince !== null || lease.left) return;
    if (this.#armed !== null && this.#armed <= lease.until) return;
    this.#armed = lease.until;
    void this.ctx.storage.setAlarm(lease.until);
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
