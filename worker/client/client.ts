import type {
  CallbackDocument,
  HistoryPage,
  PastDocument,
  PresenceDocument,
  Problem,
  SeenEntry,
  Status,
  Why,
} from '../protocol/index.ts';
// Not of the index: what else is in there has no place in a browser's bundle.
import { LIMITS } from '../protocol/limits.ts';
import { type Ask, Asker, jsonOf } from './asker.ts';
import { type Callback, callWhenFree, type FreeOptions, whenFree } from './free.ts';
import type { OffhookOptions, WebSocketLike, WithSignal } from './options.ts';
import { overrideOf, type UserOverride } from './override.ts';
import { type Paged, paged } from './pages.ts';
import { OffhookProblem } from './problem.ts';
import { type Watch, WatchLoop, type WatchOptions } from './watch.ts';
import type { Watched } from './watch-types.ts';
import { type Webhooks, webhooksOf } from './webhooks.ts';

export interface ListOptions extends WithSignal {
  /** Only who is this. */
  readonly status?: Status;
  /** Documents of one page: 100 by default, 500 at most. */
  readonly limit?: number;
}

/** A page of a domain's listing, in the order of the names of users. */
export interface DomainPage {
  readonly users: readonly PresenceDocument[];
  readonly cursor?: string;
}

/** A span of time, `from` within and `to` without: `Date`, or RFC 3339. */
export interface HistoryOptions extends WithSignal {
  readonly from?: Date | string;
  readonly to?: Date | string;
  /** Entries of one page: 50 by default. */
  readonly limit?: number;
}

/**
 * A client of one Worker, with one token. Its methods throw `OffhookProblem` for every answer that is not what was asked for, but for one: a user of whom no
 * site has ever told is null where one document is asked for.
 */
export class Offhook {
  /** Webhooks: their making and their upkeep (docs/webhooks.md). */
  readonly webhooks: Webhooks;
  readonly #asker: Asker;
  readonly #socket: WebSocketLike | null;

  constructor(options: OffhookOptions) {
    this.#asker = new Asker(options);
    this.#socket = options.WebSocket === undefined ? (globalThis.WebSocket ?? null) : options.WebSocket;
    this.webhooks = webhooksOf(this.#asker);
  }

  /** What a user does now; with `at`, did then. Null for a user never seen, or not seen yet at that time. */
  presence(user: string, options: WithSignal & { readonly at: Date | string }): Promise<PastDocument | null>;
  presence(user: string, options?: WithSignal): Promise<PresenceDocument | null>;
  async presence(user: string, { at, ...options }: WithSignal & { readonly at?: Date | string } = {}) {
    const response = await this.#seen({ path: pathOf(user), query: { at: timeOf(at) }, ...options });
    return response === null ? null : jsonOf<PresenceDocument>(response);
  }

  /** What a user does now, where that is not what it was at an earlier answer with this `etag`. */
  async presenceIfChanged(
    user: string,
    etag?: string,
    options: WithSignal = {},
  ): Promise<
    | { readonly changed: false; readonly etag: string }
    | { readonly changed: true; readonly etag: string | undefined; readonly presence: PresenceDocument | null }
  > {
    const headers: Record<string, string> = etag === undefined ? {} : { 'if-none-match': etag };
    const response = await this.#seen({ path: pathOf(user), headers, also: 304, ...options });
    if (response?.status === 304 && etag !== undefined) return { changed: false, etag };
    const presence = response === null ? null : await jsonOf<PresenceDocument>(response);
    return { changed: true, etag: response?.headers.get('etag') ?? undefined, presence };
  }

  /** What many users do now, in the order asked: each a document or a problem (`isProblem`). More than 500 are asked for in several requests. */
  async query(users: readonly string[], options: WithSignal = {}): Promise<(PresenceDocument | Problem)[]> {
    const found: (PresenceDocument | Problem)[] = [];
    for (let from = 0; from < users.length; from += LIMITS.queryUsers) {
      const body = { users: users.slice(from, from + LIMITS.queryUsers) };
      const ask: Ask = { method: 'POST', path: '/presence/query', body, reads: true, ...options };
      found.push(...(await this.#asker.json<{ users: (PresenceDocument | Problem)[] }>(ask)).users);
    }
    return found;
  }

  /** Who is what in a domain, in the order of the names of users; page after page is asked for as it is read. */
  list(domain: string, { status, limit, ...options }: ListOptions = {}): Paged<PresenceDocument, DomainPage> {
    const path = `/domains/${encodeURIComponent(domain)}/presence`;
    return paged(
      (cursor) => this.#asker.json<DomainPage>({ path, query: { status, limit, cursor }, ...options }),
      ({ users }) => users,
    );
  }

  /** What a user did, newest first; page after page is asked for as it is read. */
  history(user: string, { from, to, limit, ...options }: HistoryOptions = {}): Paged<SeenEntry, HistoryPage> {
    const query = { from: timeOf(from), to: timeOf(to), limit };
    return paged(
      (cursor) => this.#asker.json<HistoryPage>({ path: pathOf(user, '/history'), query: { ...query, cursor }, ...options }),
      ({ entries }) => entries,
    );
  }

  /** On what a user's state rests, and what will change it next; null for a user never seen. */
  async why(user: string, options: WithSignal = {}): Promise<Why | null> {
    const response = await this.#seen({ path: pathOf(user, '/why'), ...options });
    return response === null ? null : jsonOf<Why>(response);
  }

  /** Every change as it happens, after a snapshot (docs/watching.md). */
  watch(watched: Watched, options: WatchOptions = {}): Watch {
    return new WatchLoop(this.#asker, watched, this.#socket, options);
  }

  /** The overrides of a user: a person's or an application's own word (docs/overrides.md). */
  override(user: string): UserOverride {
    return overrideOf(this.#asker, user);
  }

  /** Resolves when a user is free (or what `until` says): at once where it is so already. With `within`, null where the time passes. */
  whenFree(user: string, options: FreeOptions & { readonly within: number }): Promise<PresenceDocument | null>;
  whenFree(user: string, options?: FreeOptions): Promise<PresenceDocument>;
  whenFree(user: string, options: FreeOptions = {}): Promise<PresenceDocument | null> {
    return whenFree(this.#asker, user, options);
  }

  /** Has a URL told once when a user is free: `expiresIn` in seconds, an hour by default. The delivery is signed with the secret of the answer. */
  callWhenFree(user: string, { callback, until = 'available', expiresIn, ...options }: CallbackRequest): Promise<Callback> {
    const body = { callback, until, ...(expiresIn === undefined ? {} : { expiresIn }) };
    return callWhenFree(this.#asker, user, body, options);
  }

  /** A callback that waits. */
  callback(id: string, options: WithSignal = {}): Promise<CallbackDocument> {
    return this.#asker.json({ path: `/watches/${encodeURIComponent(id)}`, ...options });
  }

  /** Takes a callback back. */
  async cancelCallback(id: string, options: WithSignal = {}): Promise<void> {
    await this.#asker.ask({ method: 'DELETE', path: `/watches/${encodeURIComponent(id)}`, ...options });
  }

  /** Deletes all that is known of a user (scope `admin`). */
  async forget(user: string, options: WithSignal = {}): Promise<void> {
    await this.#asker.ask({ method: 'DELETE', path: pathOf(user), ...options });
  }

  /** The answer; null where the user was never seen. */
  async #seen(ask: Ask): Promise<Response | null> {
    try {
      return await this.#asker.ask(ask);
    } catch (error) {
      const isUnseen =
        error instanceof OffhookProblem && (error.kind === 'user-never-seen' || error.kind === 'user-not-seen-yet');
      if (isUnseen) return null;
      throw error;
    }
  }
}

/** What is asked for with a callback. */
export interface CallbackRequest extends WithSignal {
  /** Where to: https, a public address. */
  readonly callback: string;
  readonly until?: Status | readonly Status[];
  readonly expiresIn?: number;
}

/** A client of the Worker at `url`. */
export function offhook(options: OffhookOptions): Offhook {
  return new Offhook(options);
}

function pathOf(user: string, part = ''): string {
  return `/presence/${encodeURIComponent(user)}${part}`;
}

function timeOf(time: Date | string | undefined): string | undefined {
  return time instanceof Date ? time.toISOString() : time;
}
