import type { Status } from './presence.ts';
import type { DetailLevel } from './token.ts';

/** A webhook as `/v1/webhooks` tells it, without its secrets. Times are RFC 3339, UTC. */
export interface WebhookDocument {
  readonly id: string;
  readonly url: string;
  readonly domain: string;
  /** The only users of the domain that it tells of; absent where it tells of all. */
  readonly users?: readonly string[];
  readonly detail: DetailLevel;
  /** Only changes into one of these are told; absent where all are. */
  readonly statuses?: readonly Status[];
  /** `status`: only where the one word changed. */
  readonly changes: 'all' | 'status';
  readonly description?: string;
  /** `disabled`: its receiver answered 410 Gone. `revoked`: the token that made it is. */
  readonly state: 'active' | 'paused' | 'disabled' | 'revoked';
  readonly createdAt: string;
  /** Of each former secret that still signs beside the newest: until when. */
  readonly formerSecretsValidUntil: readonly string[];
  readonly queue: {
    readonly waiting: number;
    /** Those of them that have failed at least once. */
    readonly retrying: number;
    readonly oldest: string | null;
    readonly lastFailure: string | null;
    /** What found no room: left out since a newer one of the same user came, or dead; and when last. */
    readonly overflow: { readonly superseded: number; readonly dead: number; readonly last: string } | null;
  };
  readonly deadLetters: number;
}

/** An event that could not be delivered, as `/v1/webhooks/{id}/dead-letters` tells it. */
export interface DeadLetterDocument {
  /** The `webhook-id` of its deliveries. */
  readonly id: string;
  readonly user: string;
  readonly at: string;
  readonly attempts: number;
  readonly reason: string;
}

/** What came of a test event. */
export interface WebhookTest {
  readonly id: string;
  readonly delivered: boolean;
  /** HTTP status of the receiver, where it answered. */
  readonly status?: number;
  readonly reason?: string;
}

/** A callback that waits, as `/v1/watches/{id}` tells it. */
export interface CallbackDocument {
  readonly id: string;
  readonly user: string;
  /** Any of these fulfils it. */
  readonly until: readonly Status[];
  readonly callback: string;
  readonly detail: DetailLevel;
  readonly createdAt: string;
  readonly expiresAt: string;
}
