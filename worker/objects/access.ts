import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import { AccessStore, type AuditBounds, type AuditFilter, type AuditRow } from './access-store.ts';
import { OBJECT_LIMITS } from './limits.ts';

/** The one object of this class. */
const NAME = 'access';

/** The access object of the deployment. */
export function accessObject(env: Env): DurableObjectStub<Access> {
  return env.ACCESS.getByName(NAME);
}

/** What holds for the whole deployment: who did what as administrator. No request of everyday waits for it. */
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

  /** What is too old goes, though nothing is written any more. */
  override async alarm(): Promise<void> {
    this.#store.trimAudit(Date.now() - auditBounds(this.env).age);
    await this.#arm();
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
    age: whole(env.AUDIT_DAYS, auditDaysMax, auditDays) * 86_400_000,
    entries: whole(env.AUDIT_ENTRIES, auditEntriesMax, auditEntries),
  };
}

function whole(variable: string | undefined, max: number, byDefault: number): number {
  const value = Number(variable);
  return Number.isInteger(value) && value >= 1 && value <= max ? value : byDefault;
}
