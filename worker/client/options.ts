import type { RetryPolicy } from './retry.ts';

/** What is used of `fetch`. */
export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;

/** What is used of a WebSocket's constructor. */
export type WebSocketLike = new (url: string, protocols: string[]) => WebSocket;

/** How a client is made. */
export interface OffhookOptions {
  /** Where the Worker is: `https://offhook.example.workers.dev`. */
  readonly url: string;
  /** The access token, or what gives it: asked before each request, so that a token can be replaced before it ends. */
  readonly token: string | (() => string | Promise<string>);
  /** In the place of the runtime's own. */
  readonly fetch?: FetchLike;
  /** In the place of the runtime's own; null for none: a watch reads server-sent events then. */
  readonly WebSocket?: WebSocketLike | null;
  /** How long an answer may take, ms: 30,000 by default. */
  readonly timeout?: number;
  /** How often requests that change nothing are tried again after 429 and 503: 4 attempts by default, waits of up to 10 s each. */
  readonly retry?: Partial<RetryPolicy>;
}

/** Whatever may be broken off. */
export interface WithSignal {
  readonly signal?: AbortSignal;
}
