import type { Target } from '../transport.ts';

/** What one target is tried at. */
export interface ServerLimits {
  /** Servers of one target that a request is tried at, one after the other. */
  readonly serverTries: number;
  /** How long a server that failed is tried last, ms. */
  readonly serverAvoid: number;
}

/**
 * RFC 3263 4: the servers that stand for a target with a name, in the order in which they are to be tried, each with its address; undefined
 * while that is not known: then the target goes out as it is, and is looked up as it leaves. Answers at once.
 */
export type Locate = (target: Target) => readonly Target[] | undefined;

/** Servers remembered as failed. */
const MAX_FAILED = 1_000;
/** Longest Retry-After that is believed, ms. */
const MAX_RETRY_AFTER = 600_000;

/** The servers of a target, those last that did not do what was asked of them (RFC 3263 4.3). */
export class Servers {
  readonly #locate: Locate;
  readonly #limits: ServerLimits;
  /** Servers that failed, by when they are tried again in their turn. */
  readonly #failed = new Map<string, number>();

  /** `limits` are asked each time, as they may change. */
  constructor(limits: ServerLimits, locate: Locate = () => undefined) {
    this.#limits = limits;
    this.#locate = locate;
  }

  /** Where to try, one after the other; the target itself where it is no name, or its servers are not known. */
  of(target: Target, now: number): readonly [Target, ...Target[]] {
    // An open connection, or the way through a NAT, leads to one place and no other.
    if (target.address !== undefined || target.connection !== undefined || target.behindNat) return [target];
    const found = this.#locate(target);
    if (found === undefined) return [target];
    const isFailed = (server: Target) => (this.#failed.get(keyOf(server)) ?? 0) > now;
    const ordered =
      this.#failed.size > 0 && found.some(isFailed)
        ? [...found.filter((server) => !isFailed(server)), ...found.filter(isFailed)]
        : found;
    const [first, ...others] = ordered.slice(0, this.#limits.serverTries);
    return first === undefined ? [target] : [first, ...others];
  }

  /** The server that is tried first. */
  first(target: Target, now: number): Target {
    return this.of(target, now)[0];
  }

  /**
   * RFC 3263 4.3: that server answered 503, was silent, or could not be reached. RFC 3261 21.5.4: the client "SHOULD NOT forward any other
   * requests to that server for the duration specified in the Retry-After, if present" (`retryAfter`, the field's value).
   */
  failed(server: Target, now: number, retryAfter?: string): void {
    if (server.address === undefined) return;
    const seconds = retryAfter === undefined ? Number.NaN : Number.parseInt(retryAfter, 10);
    const pause = seconds > 0 ? Math.min(seconds * 1000, MAX_RETRY_AFTER) : 0;
    const key = keyOf(server);
    this.#failed.delete(key);
    // A Map keeps the order of insertion: the first key is the oldest.
    for (const oldest of this.#failed.keys()) {
      if (this.#failed.size < MAX_FAILED) break;
      this.#failed.delete(oldest);
    }
    this.#failed.set(key, now + Math.max(pause, this.#limits.serverAvoid));
  }
}

const keyOf = ({ transport, address, port }: Target): string => `${transport} ${address} ${port}`;
