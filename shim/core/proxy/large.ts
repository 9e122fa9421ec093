import type { Target } from '../transport.ts';

/** How long it is remembered that a host takes no connections, ms; and of how many hosts. */
const REMEMBERED_FOR = 600_000;
const MAX_REMEMBERED = 1_000;

/**
 * RFC 3261 18.1.1: "If a request is within 200 bytes of the path MTU, or if it is larger than 1300 bytes and the path MTU is unknown, the
 * request MUST be sent using an RFC 2914 congestion controlled transport protocol, such as TCP."
 */
export class LargeRequests {
  readonly #limits: { readonly udpBytes: number };
  /** Hosts that refused, by when they are asked again. */
  readonly #refused = new Map<string, number>();

  /** `udpBytes`: the longest request that goes by UDP; asked each time, as it may change. */
  constructor(limits: { readonly udpBytes: number }) {
    this.#limits = limits;
  }

  /** Where a request of that length goes instead: undefined where it may go by UDP, or must. */
  instead(target: Target, length: number, now: number): Target | undefined {
    if (length <= this.#limits.udpBytes || target.transport !== 'udp' || target.behindNat) return undefined;
    if ((this.#refused.get(endOf(target)) ?? 0) > now) return undefined;
    const { host, port, named, address } = target;
    return { transport: 'tcp', host, port, ...(named && { named }), ...(address !== undefined && { address }) };
  }

  /** That target took no connection: for a while it is sent everything by UDP, and nobody waits for a connection that will not be. */
  refused(target: Target, now: number): void {
    for (const oldest of this.#refused.keys()) {
      if (this.#refused.size < MAX_REMEMBERED) break;
      this.#refused.delete(oldest);
    }
    this.#refused.set(endOf(target), now + REMEMBERED_FOR);
  }
}

const endOf = ({ host, address = host, port }: Target): string => `${address} ${port}`;
