import { type OutOfTouch, shown } from '../presence/index.ts';
import type { PresenceDocument } from '../protocol/index.ts';
import type { Schema } from './schema.ts';

/** A user's row, as far as what is shown of him depends on it. */
export interface SeenRow {
  readonly status: string;
  /** The presence document as it was told, JSON. */
  readonly text: string;
  /** The sites that ever reported the user, as `joinSites` writes them. */
  readonly sites: string;
}

/** A site that was lost or came back, and the number of the last change that watchers were told for it. */
export interface SiteEvent {
  readonly site: string;
  readonly seq: number;
}

/**
 * The sites that are out of touch, as a board knows them: what is told of a user is laid over with it when it is read and when it is pushed,
 * so that a site that is lost costs its users no write. A row a site that was ever lost; the rest is in memory.
 */
export class StaleSites {
  readonly #storage: DurableObjectStorage;
  readonly #schema: Schema;
  readonly #lost = new Map<string, number>();

  constructor(storage: DurableObjectStorage, schema: Schema) {
    this.#storage = storage;
    this.#schema = schema;
    if (!schema.created) return;
    for (const { site, since } of storage.sql.exec<{ site: string; since: number }>('SELECT site, since FROM stale_sites')) {
      if (since > 0) this.#lost.set(site, since);
    }
  }

  /** Is any site lost. */
  get any(): boolean {
    return this.#lost.size > 0;
  }

  /** Since when a site is lost, ms since 1970; 0 while it is in touch. */
  since(site: string): number {
    return this.#lost.get(site) ?? 0;
  }

  /** The row as it is to be seen: the same object where no site is lost that it depends on. */
  seen<T extends SeenRow>(row: T): T {
    return this.#lost.size === 0 ? row : seen(row, (site) => this.#lost.get(site));
  }

  /** The row as it would be seen with that site lost since then (0: in touch). */
  seenIf<T extends SeenRow>(row: T, site: string, since: number): T {
    return seen(row, (name) => (name === site ? since || undefined : this.#lost.get(name)));
  }

  /** Stores that a site is lost since then (0: in touch), told to watchers by changes up to that number. Within a commit. */
  save(site: string, since: number, seq: number): void {
    this.#schema.create();
    this.#storage.sql.exec('INSERT OR REPLACE INTO stale_sites (site, since, seq) VALUES (?, ?, ?)', site, since, seq);
  }

  /** After the commit. */
  note(site: string, since: number): void {
    if (since === 0) this.#lost.delete(site);
    else this.#lost.set(site, since);
  }

  /** The sites that were lost or came back after the change of that number. */
  eventsAfter(seq: number): SiteEvent[] {
    if (!this.#schema.created) return [];
    return this.#storage.sql
      .exec<{ site: string; seq: number }>('SELECT site, seq FROM stale_sites WHERE seq > ? ORDER BY seq', seq)
      .toArray();
  }
}

/** Names of sites in one text, each between bars: a name has no bar. */
export function joinSites(sites: readonly string[]): string {
  return sites.length === 0 ? '' : `|${sites.join('|')}|`;
}

function seen<T extends SeenRow>(row: T, outOfTouch: OutOfTouch): T {
  const document = JSON.parse(row.text) as PresenceDocument;
  const reporters = row.sites.split('|').filter((site) => site !== '');
  const now = shown(document, reporters, outOfTouch);
  return now === document ? row : { ...row, status: now.status, text: JSON.stringify(now) };
}
