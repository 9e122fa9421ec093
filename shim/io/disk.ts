import type { DatabaseSync } from 'node:sqlite';
import type { JournalOp, JournalState } from '../core/journal.ts';
import { load } from './disk/load.ts';
import { openDatabase } from './disk/open.ts';
import { rowOf, Writer } from './disk/writer.ts';

/** What nobody waits for is on disk after so long, ms: what a `kill -9` may cost. */
export const COMMIT_WITHIN = 10;

export interface DiskSettings {
  /** State folder; undefined keeps everything in memory, for this process only. */
  readonly folder: string | undefined;
  /** Name of this shim. What waits in the outbox under another name is not sent. */
  readonly site: string;
  /** ms since 1970: the epoch of this start is not below it. */
  readonly now: number;
  /** Told when writing begins to fail, and when it works again. */
  readonly onTrouble?: (trouble: DiskTrouble) => void;
  /** Rows of one transaction; and, while the disk fails, rows that wait for it: further ones are lost. Default 20,000. */
  readonly maxPending?: number;
  /** First and greatest pause before a failed commit is tried again, ms. Defaults 1,000 and 30,000. */
  readonly retryMin?: number;
  readonly retryMax?: number;
}

export type DiskTrouble = { readonly state: 'failing'; readonly detail: string } | { readonly state: 'well-again' };

/** Totals since start. */
export interface DiskCounters {
  commits: number;
  rows: number;
  errors: number;
  /** Rows that are not on disk because too many waited for it. */
  lost: number;
}

export type DiskResult =
  | {
      readonly ok: true;
      readonly disk: Disk;
      readonly state: JournalState;
      /** Incarnation of the site for this start: later than every one before. */
      readonly epoch: number;
      /** What the log should say. */
      readonly notes: readonly string[];
    }
  | { readonly ok: false; readonly reason: 'in-use' | 'unusable'; readonly detail: string };

/** Opens the state folder, reads what is there, and takes an epoch for this start. */
export function openDisk(settings: DiskSettings): DiskResult {
  const opened = openDatabase(settings.folder);
  if (!opened.ok) return opened;
  const { db } = opened;
  const notes = [...opened.notes];
  try {
    const meta = new Map(
      db
        .prepare('SELECT key, value FROM meta')
        .all()
        .map((row) => [row.key as string, row.value as string]),
    );
    const site = meta.get('site');
    if (site !== undefined && site !== settings.site) {
      const dropped = db.prepare('DELETE FROM outbox').run().changes;
      notes.push(
        `this shim was named ${site} and is now ${settings.site}: ${dropped} waiting updates of the old name were dropped`,
      );
    }
    const last = Number(meta.get('epoch') ?? 0);
    const epoch = Math.max(settings.now, last + 1);
    if (last > settings.now) notes.push('the clock is behind that of the last start: the epoch goes on from there');
    const put = db.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)');
    put.run('site', settings.site);
    put.run('epoch', String(epoch));
    const { skipped, ...state } = load(db);
    if (skipped > 0) notes.push(`${skipped} bindings on disk could not be read and were left out`);
    return { ok: true, disk: new Disk(db, settings), state, epoch, notes };
  } catch (error) {
    db.close();
    return { ok: false, reason: 'unusable', detail: (error as Error).message };
  }
}

/**
 * The journal: gathers the operations of one turn of the event loop into one transaction. Calls never wait for it, nor for its
 * errors: while the disk fails, what is to be written waits (one entry a row, bounded) and is tried again.
 */
export class Disk {
  readonly counters: DiskCounters = { commits: 0, rows: 0, errors: 0, lost: 0 };
  readonly #db: DatabaseSync;
  readonly #writer: Writer;
  readonly #settings: DiskSettings;
  readonly #maxPending: number;
  /** By row: a later operation on a row replaces an earlier one. */
  #pending = new Map<string, JournalOp>();
  #waiters: ((stored: boolean) => void)[] = [];
  #turn: NodeJS.Immediate | undefined;
  #soon: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #closed = false;

  constructor(db: DatabaseSync, settings: DiskSettings) {
    this.#db = db;
    this.#settings = settings;
    this.#maxPending = settings.maxPending ?? 20_000;
    this.#writer = new Writer(db);
  }

  /** Rows that wait to be written. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Does the disk fail at the moment. */
  get failing(): boolean {
    return this.#failures > 0;
  }

  /**
   * Takes operations in. They are committed together: at the end of this turn of the event loop where somebody waits for that
   * (`committed`), else within `COMMIT_WITHIN`, so that a busy shim writes many calls in one commit.
   */
  write(ops: readonly JournalOp[]): void {
    for (const op of ops) {
      const row = rowOf(op);
      if (this.#pending.size >= this.#maxPending && !this.#pending.has(row)) {
        if (this.failing || !this.commit()) {
          this.counters.lost += 1;
          continue;
        }
      }
      this.#pending.set(row, op);
    }
    if (this.#pending.size > 0) this.#schedule();
  }

  /**
   * Resolves when everything written so far is committed (`true`), or could not be (`false`): then the caller goes on all the same.
   * What waits for the answer of a failing disk would be a call that waits.
   */
  committed(): Promise<boolean> {
    if (this.#closed || this.failing) return Promise.resolve(!this.failing);
    if (this.#pending.size === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.#turn ??= setImmediate(() => this.commit());
    });
  }

  /** Commits now what waits; true if all of it is on disk. Never throws. */
  commit(): boolean {
    clearImmediate(this.#turn);
    clearTimeout(this.#soon);
    clearTimeout(this.#retry);
    this.#turn = undefined;
    this.#soon = undefined;
    this.#retry = undefined;
    if (this.#closed) return false;
    const ops = this.#pending;
    if (ops.size > 0) {
      try {
        this.#writer.write(ops.values());
        this.counters.commits += 1;
        this.counters.rows += ops.size;
        this.#pending = new Map();
        if (this.failing) this.#settings.onTrouble?.({ state: 'well-again' });
        this.#failures = 0;
      } catch (error) {
        this.#failed(error as Error);
      }
    }
    const stored = !this.failing;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve(stored);
    return stored;
  }

  /** Commits what waits and closes the file. */
  close(): void {
    if (this.#closed) return;
    this.commit();
    clearTimeout(this.#retry);
    this.#closed = true;
    this.#db.close();
  }

  #schedule(): void {
    if (this.#closed || this.failing) return;
    this.#soon ??= setTimeout(() => this.commit(), COMMIT_WITHIN);
  }

  #failed(error: Error): void {
    this.counters.errors += 1;
    this.#failures += 1;
    if (this.#failures === 1) this.#settings.onTrouble?.({ state: 'failing', detail: error.message });
    const { retryMin = 1000, retryMax = 30_000 } = this.#settings;
    this.#retry = setTimeout(() => this.commit(), Math.min(retryMax, retryMin * 2 ** Math.min(this.#failures - 1, 20)));
    this.#retry.unref();
  }
}
