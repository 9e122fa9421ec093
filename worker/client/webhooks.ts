import type { DeadLetterDocument, DetailLevel, Status, WebhookDocument, WebhookTest } from '../protocol/index.ts';
import type { Asker } from './asker.ts';
import type { WithSignal } from './options.ts';
import { type Paged, paged } from './pages.ts';

/** What a webhook is made of (docs/webhooks.md). */
export type NewWebhook = {
  /** Where to: https, a public address. */
  readonly url: string;
  /** Only changes into one of these; all by default. */
  readonly statuses?: readonly Status[];
  /** `status`: only where the one word changed. `all` by default. */
  readonly changes?: 'all' | 'status';
  /** By default, and at most, what the token may see. */
  readonly detail?: DetailLevel;
  readonly description?: string;
} & ({ readonly domain: string } | { readonly users: readonly string[] });

/** A page of dead letters, newest first. */
export interface DeadLetterPage {
  readonly deadLetters: readonly DeadLetterDocument[];
  readonly cursor?: string;
}

/** Webhooks: their making and their upkeep. The token needs the scopes `write` and `read`. */
export interface Webhooks {
  /** Its `secret` is told here and never again. */
  create(webhook: NewWebhook, options?: WithSignal): Promise<WebhookDocument & { readonly secret: string }>;
  list(domain: string, options?: WithSignal): Promise<readonly WebhookDocument[]>;
  get(id: string, options?: WithSignal): Promise<WebhookDocument>;
  delete(id: string, options?: WithSignal): Promise<void>;
  /** Sends one signed test event, now. */
  test(id: string, options?: WithSignal): Promise<WebhookTest>;
  /** Makes a new secret; the former one signs too for `keepFor` seconds (a day by default). */
  newSecret(
    id: string,
    options?: WithSignal & { readonly keepFor?: number },
  ): Promise<{ readonly secret: string; readonly formerValidUntil: string }>;
  /** What happens from now on waits. */
  pause(id: string, options?: WithSignal): Promise<WebhookDocument>;
  resume(id: string, options?: WithSignal): Promise<WebhookDocument>;
  /** What could not be delivered, newest first; `limit` is that of a page. */
  deadLetters(id: string, options?: WithSignal & { readonly limit?: number }): Paged<DeadLetterDocument, DeadLetterPage>;
  /** Delivers the dead letters once more, or all from an event on; tells how many. */
  replay(id: string, what: { readonly deadLetters: true } | { readonly from: string }, options?: WithSignal): Promise<number>;
}

export function webhooksOf(asker: Asker): Webhooks {
  const path = (id: string, act = '') => `/webhooks/${encodeURIComponent(id)}${act}`;
  const post = <T>(id: string, act: string, options: WithSignal, body?: object) =>
    asker.json<T>({ method: 'POST', path: path(id, act), ...(body && { body }), ...options });
  return {
    create: (body, options = {}) => asker.json({ method: 'POST', path: '/webhooks', body, ...options }),
    async list(domain, options = {}) {
      return (await asker.json<{ webhooks: WebhookDocument[] }>({ path: '/webhooks', query: { domain }, ...options })).webhooks;
    },
    get: (id, options = {}) => asker.json({ path: path(id), ...options }),
    async delete(id, options = {}) {
      await asker.ask({ method: 'DELETE', path: path(id), ...options });
    },
    test: (id, options = {}) => post(id, '/test', options),
    newSecret: (id, { keepFor, ...options } = {}) => post(id, '/secret', options, keepFor === undefined ? {} : { keepFor }),
    pause: (id, options = {}) => post(id, '/pause', options),
    resume: (id, options = {}) => post(id, '/resume', options),
    deadLetters: (id, { limit, ...options } = {}) =>
      paged(
        (cursor) => asker.json<DeadLetterPage>({ path: path(id, '/dead-letters'), query: { limit, cursor }, ...options }),
        ({ deadLetters }) => deadLetters,
      ),
    async replay(id, what, options = {}) {
      return (await post<{ replayed: number }>(id, '/replay', options, what)).replayed;
    },
  };
}
