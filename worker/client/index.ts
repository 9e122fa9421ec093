/**
 * The client of Offhook's HTTP API: `import { offhook } from 'offhook/client'`. It runs in browsers, Node (20 or newer), Deno and Workers, and needs
 * nothing but what they all have: `fetch`, and `WebSocket` where there is one.
 *
 * It is not made of hono's `hc`: routes are mounted from a table, so the app's type knows none of them; it would bring the types of
 * Durable Objects into every program that uses it; and `hc` puts users into paths as they are (`sip:a?b@...` has to be escaped). What
 * keeps it true are the types of `worker/protocol`, which the answers of the Worker are checked against, and tests against a real one.
 */

export type { HookEvent } from '../hooks/events.ts';
export type {
  AsOf,
  CallbackDocument,
  CallDocument,
  CallStatus,
  DeadLetterDocument,
  DetailLevel,
  HistoryEntry,
  HistoryPage,
  OverrideActivity,
  OverrideDocument,
  OverrideSource,
  PastDocument,
  PresenceDocument,
  Problem,
  ResetReason,
  SeenEntry,
  Status,
  TerminalDocument,
  TerminalStatus,
  WebhookDocument,
  WebhookTest,
  Why,
} from '../protocol/index.ts';
export type { CallbackRequest, DomainPage, HistoryOptions, ListOptions } from './client.ts';
export { Offhook, offhook } from './client.ts';
export type { Callback, FreeOptions } from './free.ts';
export type { FetchLike, OffhookOptions, WebSocketLike, WithSignal } from './options.ts';
export type { NewOverride, OverrideOf, UserOverride } from './override.ts';
export type { Paged } from './pages.ts';
export { isProblem, OffhookProblem } from './problem.ts';
export type { RetryPolicy } from './retry.ts';
export { type Verified, type VerifyOptions, verifyWebhook, type WebhookHeaders } from './verify.ts';
export type { Watch, WatchOptions } from './watch.ts';
export type { WatchCondition, WatchEvent, Watched } from './watch-types.ts';
export type { DeadLetterPage, NewWebhook, Webhooks } from './webhooks.ts';
