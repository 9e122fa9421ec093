import type { PresenceDocument } from '../protocol/index.ts';

/** Kinds of events that a receiver gets. */
export type HookEventType = 'presence.changed' | 'watch.fulfilled' | 'webhook.test';

/** The body of a delivery, as the Standard Webhooks specification recommends it. */
export type HookEvent =
  | {
      readonly type: 'presence.changed' | 'watch.fulfilled';
      /** When it was taken for delivery, RFC 3339; `data.since` tells since when the status is what it is. */
      readonly timestamp: string;
      /** The presence document. */
      readonly data: PresenceDocument;
    }
  | { readonly type: 'webhook.test'; readonly timestamp: string; readonly data: { readonly webhook: string } };

/** What a signature signs (Standard Webhooks, "Signature scheme"): id, time and body. `timestamp` is in seconds since 1970. */
export function signedContent(id: string, timestamp: number, body: string): string {
  return `${id}.${timestamp}.${body}`;
}
