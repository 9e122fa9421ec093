import { DurableObject } from 'cloudflare:workers';
import { ACCESS_LIMITS, type Bearer, type Revocation, Revocations } from '../access/index.ts';
import type { Env } from '../env.ts';
import { logError } from '../log.ts';
import { AccessStore, type AuditBounds, type AuditFilter, type AuditRow } from './access-store.ts';
import { OBJECT_LIMITS } from './limits.ts';
import { inJurisdiction, jurisdictionOf, REST, watchedObject } from './places.ts';
import { wholeNumber } from './variable.ts';
import { within } from './within.ts';

/** The one object of this class. */
const NAME = 'access';

/** The access object of the deployment. */
export function accessObject(env: Pick<Env, 'ACCESS' | 'JURISDICTIONS'>): DurableObjectStub<Access> {
  return inJurisdiction(env.ACCESS, jurisdictionOf(env.JURISDICTIONS, REST)).getByName(NAME);
}

/** What holds for the whole deployment: who did what as administrator, and which tokens are revoked. Requests ask it every few seconds at most. */
export class Access extends DurableObject<Env> {
  readonly #store: AccessStore;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new AccessStore(ctx.storage);
  }

  /** Notes an act (`AuditEntry` as JSON). When it returns, the entry is stored. */
  async record(domain: string | null, body: string): Promise<void> {
    this.#store.addAudit(Date.now(), domain, body, auditBounds(this.env));
    await this.#arm();
  }

  /** Audit entries below the id `before`, from `from` on (ms since 1970), newest first, that the filter lets pass. */
  audit(before: number, from: number, limit: number, filter: AuditFilter): AuditRow[] {
    return this.#store.audit(before, Math.max(from, Date.now() - auditBounds(this.env).age), limit, filter);
  }

  /**
   * Revokes a token or a subject; null where too many are. When it returns, that is stored, and boards that are watched are being told, or will
   * be by alarm.
   */
  async revoke(entry: Omit<Revocation, 'seq' | 'at'>): Promise<Revocation | null> {
    const now = Date.now();
    const stored = this.#store.revoke(entry, now, ACCESS_LIMITS.revocations);
    if (stored === undefined) return null;
    if (this.#store.untold(stored.seq).length > 0) {
      await this.#armAt(now + ACCESS_LIMITS.sweepRetry);
      this.ctx.waitUntil(this.#tellBoards());
    }
    return stored;
  }

  /** A board is watched: it is told when something is revoked (`Board.sweep`). What was revoked after the number `after`, in that order. */
  watched(board: string, after: number): Revocation[] {
    this.#store.addWatched(board);
    return this.#store.revokedAfter(after);
  }

  /** What was revoked after the number `after`, in that order. */
  revocations(after: number): Revocation[] {
    return this.#store.revokedAfter(after);
  }

  /** Whether a token is revoked; also where it has expired since. */
  isRevoked(bearer: Bearer): boolean {
    const revocations = new Revocations();
    revocations.add(this.#store.revokedOf(bearer), 0);
    return revocations.has(bearer);
  }

  /** What is revoked, of numbers below `before`, newest first. */
  listRevocations(before: number, limit: number): Revocation[] {
    return this.#store.revocations(before, limit);
  }

  /** How much is kept. */
  counts(): { readonly revocations: number; readonly audit: number } {
    return this.#store.counts();
  }

  /** What is too old goes, though nothing is written any more; and boards that could not be told are told again. */
  override async alarm(): Promise<void> {
    this.#store.trimAudit(Date.now() - auditBounds(this.env).age);
    await this.#tellBoards();
    await this.#arm();
  }

  /** Tells boards of what was revoked; those that fail are told again by alarm. Never rejects. */
  async #tellBoards(): Promise<void> {
    const latest = this.#store.latest();
    const boards = this.#store.untold(latest);
    let failed = 0;
    for (let i = 0; i < boards.length; i += ACCESS_LIMITS.sweepBoards) {
      const told = await Promise.all(
        boards.slice(i, i + ACCESS_LIMITS.sweepBoards).map((board) => this.#tellBoard(board, latest)),
      );
      failed += told.filter((done) => !done).length;
    }
    if (failed === 0) return;
    logError(`${failed} boards could not be told of a revocation`);
    await this.#armAt(Date.now() + ACCESS_LIMITS.sweepRetry);
  }

  /** A board that is told reads the list, and so is noted as told. */
  async #tellBoard(board: string, latest: number): Promise<boolean> {
    try {
      const left = await within(OBJECT_LIMITS.boardTimeout, watchedObject(this.env, board).sweep());
      if (left === 0) this.#store.dropWatched(board, latest);
      return true;
    } catch {
      return false;
    }
  }

  async #armAt(at: number): Promise<void> {
    const armed = await this.ctx.storage.getAlarm();
    if (armed === null || armed > at) await this.ctx.storage.setAlarm(at);
  }

  /** Each `setAlarm` is a row written: one is set where none is, for the oldest entry's end. */
  async #arm(): Promise<void> {
    const oldest = this.#store.oldestAudit();
    if (oldest === undefined || (await this.ctx.storage.getAlarm()) !== null) return;
    const end = oldest + auditBounds(this.env).age;
    await this.ctx.storage.setAlarm(Math.max(end, Date.now() + OBJECT_LIMITS.auditTrimPause));
  }
}

/** How much of the audit is kept: by the variables AUDIT_DAYS and AUDIT_ENTRIES; what is no number within bounds is the default. */
export function auditBounds(env: Pick<Env, 'AUDIT_DAYS' | 'AUDIT_ENTRIES'>): AuditBounds {
  const { auditDays, auditDaysMax, auditEntries, auditEntriesMax } = OBJECT_LIMITS;
  return {
    age: wholeNumber(env.AUDIT_DAYS, auditDaysMax, auditDays) * 86_400_000,
    entries: wholeNumber(env.AUDIT_ENTRIES, auditEntriesMax, auditEntries),
  };
}
