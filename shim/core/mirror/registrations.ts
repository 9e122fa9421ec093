import { callId, cseq, from, type Message, vias } from '../sip/index.ts';
import type { Flow } from '../transport.ts';
import { Memory } from './memory.ts';
import type { Observed } from './reorder.ts';

/** A REGISTER and its 2xx, and where the REGISTER came from; `request` is missing where it was not seen. */
export interface Registration {
  readonly request: Message | undefined;
  readonly response: Message;
  readonly flow: Flow;
  /** When the 2xx came, ms since 1970. */
  readonly at: number;
}

interface Half {
  request?: { readonly message: Message; readonly flow: Flow; readonly vias: number };
  response?: { readonly message: Message; readonly flow: Flow; readonly at: number };
}

/**
 * REGISTER requests that wait for their 2xx, and 2xx that have overtaken their request: both halves make a registration. They belong
 * together by Call-ID, CSeq and the tag of From (RFC 3261 17.1.3 goes by the branch, which differs at each hop).
 */
export class Registrations {
  readonly #halves: Memory<Half>;
  /** Registrations done, so that a second copy of their messages makes none anew. */
  readonly #done: Memory<true>;

  /** `max` at once; a half waits, and a whole is remembered, for `life` ms. */
  constructor(max: number, life: number) {
    this.#halves = new Memory(max, life);
    this.#done = new Memory(max, life);
  }

  get size(): number {
    return this.#halves.size;
  }

  request(message: Message, observed: Observed, now: number): Registration | undefined {
    const key = keyOf(message);
    if (this.#done.has(key, now)) return undefined;
    const half = this.#halves.get(key, now) ?? {};
    const hops = vias(message)?.length ?? 0;
    // The same REGISTER is seen again behind each proxy, under one Via more: the one with the fewest comes from the phone itself.
    if (half.request === undefined || hops < half.request.vias) {
      half.request = { message, flow: flowOf(observed.transport, observed.source, observed.destination), vias: hops };
    }
    return this.#put(key, half, now);
  }

  response(message: Message, observed: Observed, now: number): Registration | undefined {
    const key = keyOf(message);
    if (message.status < 200 || this.#done.has(key, now)) return undefined;
    const half = this.#halves.get(key, now) ?? {};
    if (message.status >= 300) {
      this.#halves.delete(key);
      return undefined;
    }
    half.response ??= { message, flow: flowOf(observed.transport, observed.destination, observed.source), at: now };
    return this.#put(key, half, now);
  }

  /** The 2xx whose REGISTER has not come in all the time it had. */
  expire(now: number): Registration[] {
    return this.#halves
      .expired(now)
      .flatMap(({ request, response }) =>
        request === undefined && response !== undefined
          ? [{ request, response: response.message, flow: response.flow, at: response.at }]
          : [],
      );
  }

  nextDeadline(): number | undefined {
    return this.#halves.nextDeadline();
  }

  #put(key: string, half: Half, now: number): Registration | undefined {
    const { request, response } = half;
    if (request === undefined || response === undefined) {
      this.#halves.set(key, half, now);
      return undefined;
    }
    this.#halves.delete(key);
    this.#done.set(key, true, now);
    return { request: request.message, response: response.message, flow: request.flow, at: response.at };
  }
}

const keyOf = (m: Message): string => `${callId(m)}\n${cseq(m).number}\n${from(m)?.tag ?? ''}`;

const flowOf = (transport: Flow['transport'], remote: Flow['remote'], local: Flow['local']): Flow => ({
  transport,
  remote,
  local,
});
