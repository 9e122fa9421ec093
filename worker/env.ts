import type { Access } from './objects/access.ts';
import type { Board } from './objects/board.ts';
import type { Hook } from './objects/hook.ts';
import type { ListServer } from './objects/list-server.ts';
import type { Site } from './objects/site.ts';
import type { User } from './objects/user.ts';

/** Bindings of the Worker: see wrangler.toml. */
export interface Env {
  readonly USER: DurableObjectNamespace<User>;
  readonly BOARD: DurableObjectNamespace<Board>;
  readonly LIST: DurableObjectNamespace<ListServer>;
  readonly SITE: DurableObjectNamespace<Site>;
  readonly HOOK: DurableObjectNamespace<Hook>;
  readonly ACCESS: DurableObjectNamespace<Access>;
  /** Boards of one domain, 1 to 64. */
  readonly BOARD_SHARDS?: string;
  /** List servers of one domain, 1 to 64. */
  readonly LIST_SERVERS?: string;
  /** How long a site stays in touch without a word, seconds, 1 to 3600. */
  readonly SITE_LEASE?: string;
  /** Jurisdictions of domains and sites: `example.de=eu site:office=eu *=fedramp`. */
  readonly JURISDICTIONS?: string;
  /** Key of the names of users' objects; never changed once there are any. */
  readonly OBJECT_NAME_KEY?: string;
  /** Entries kept of a user's history, 1 to 10,000; and for how many days, 1 to 3,650. */
  readonly HISTORY_ENTRIES?: string;
  readonly HISTORY_AGE?: string;
  /** Signs access tokens. Without it (or where it is too short) nothing but /healthz is answered. */
  readonly OFFHOOK_SECRET?: string;
  /** `on`: webhooks may go to private addresses, and without TLS. */
  readonly WEBHOOK_ALLOW_PRIVATE?: string;
  /** The secret before, while it is being replaced: tokens that it signed are good as well. Null on a workerd that was not given one. */
  readonly OFFHOOK_SECRET_PREVIOUS?: string | null;
  /** Requests a minute that a token may send through one isolate: reports of sites, and all else. */
  readonly RATE_LIMIT_INGEST?: string;
  readonly RATE_LIMIT?: string;
  /** Cloudflare's own rate limiter, where it is bound. */
  readonly RATE_LIMITER?: RateLimit;
  /** The audit is kept for so many days, and so many entries. */
  readonly AUDIT_DAYS?: string;
  readonly AUDIT_ENTRIES?: string;
}
