import type { Target } from '../transport.ts';

/** What the machine is of (RFC 3261 17): 'client' sent the request, 'server' received it. */
export type Side = 'client' | 'server';

/** The shell sends `text` (a byte string) to `target`, and on failure calls the table's `transportError(id)`. */
export interface SendAction {
  readonly type: 'send';
  readonly text: string;
  readonly target: Target;
  /** The transaction that sends. */
  readonly id: string;
}

export type Action = SendAction;

/**
 * What the transaction user (TU) is told apart from messages. `terminated` comes exactly once for each transaction, as its last
 * event: whatever the TU keeps under `id` can go.
 *  - `timeout`: timer B or F, or no final response after a CANCEL (the TU acts as if 408 had come, RFC 3261 16.9 and 8.1.3.1); at a
 *    server timer H (no ACK came), or the TU has left a request without a final response for too long
 *  - `transport-error`: the message could not be sent (as if 503 had come, RFC 3261 8.1.3.1)
 */
export interface TransactionEvent {
  readonly type: 'timeout' | 'transport-error' | 'terminated';
  readonly id: string;
  readonly side: Side;
  readonly method: string;
}

/** Times in ms. */
export interface TransactionSettings {
  /** Round-trip estimate (RFC 3261 17.1.1.1). */
  readonly t1: number;
  /** Cap of the retransmission interval of non-INVITE requests and INVITE responses. */
  readonly t2: number;
  /** Longest time that a message stays in the network. */
  readonly t4: number;
  /** Timer C, RFC 3261 16.6 step 11: "MUST be larger than 3 minutes". Runs from the first provisional response to an INVITE. */
  readonly timerC: number;
  /** Timer D on unreliable transports: at least 32 s. */
  readonly timerD: number;
  /** An INVITE that the TU has not answered after this time gets a 100 (RFC 3261 17.2.1). */
  readonly trying: number;
  /** Most transactions alive on each side. Beyond it new ones are refused; those that exist go on. */
  readonly max: number;
}

export const DEFAULT_TRANSACTION_SETTINGS: TransactionSettings = {
  t1: 500,
  t2: 4_000,
  t4: 5_000,
  timerC: 185_000,
  timerD: 32_000,
  trying: 200,
  max: 100_000,
};

/** A request that the TU has built. The message is not scanned again: what the table must know of it stands beside it. */
export interface OutgoingRequest {
  readonly text: string;
  readonly method: string;
  /** The branch of its top Via: unique, beginning with z9hG4bK (RFC 3261 8.1.1.7). */
  readonly branch: string;
}

export type RequestResult =
  /** A new server transaction: the TU acts and answers with `respond(id, ...)`. */
  | { readonly kind: 'new'; readonly id: string; readonly actions: readonly Action[] }
  /** A retransmission, or the ACK to a non-2xx response: the machine has dealt with it. */
  | { readonly kind: 'absorbed'; readonly id: string; readonly actions: readonly Action[] }
  /** An ACK that belongs to no transaction here (that of a 2xx): the TU forwards it without a transaction. `id` is there where the
   * ACK carries the branch of an INVITE answered with 2xx (RFC 6026 7.1: "ACK to TU"). */
  | { readonly kind: 'ack'; readonly id: string | undefined; readonly actions: readonly Action[] }
  /** The table is full: the TU answers 503 with Retry-After without a transaction. */
  | { readonly kind: 'full'; readonly actions: readonly Action[] };

export type SendResult =
  | { readonly ok: true; readonly id: string; readonly actions: readonly Action[] }
  | { readonly ok: false; readonly reason: 'full' | 'branch in use'; readonly actions: readonly Action[] };

export type ResponseResult =
  /** For the TU: provisional responses, the final response once, and every 2xx to INVITE (RFC 6026). */
  | { readonly kind: 'deliver'; readonly id: string; readonly actions: readonly Action[] }
  /** A repeated or late response: the machine has dealt with it (re-sent the ACK where one is due). */
  | { readonly kind: 'absorbed'; readonly id: string; readonly actions: readonly Action[] }
  /** No transaction of ours. */
  | { readonly kind: 'stray'; readonly actions: readonly Action[] };

export interface ExpireResult {
  readonly actions: readonly Action[];
  readonly events: readonly TransactionEvent[];
}
