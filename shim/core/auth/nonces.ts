import { own } from '../sip/own.ts';
import { type Hashes, sameText } from './hashes.ts';

export interface NonceSettings {
  /** How long a nonce is good for, ms. */
  readonly nonceLifetime: number;
  /** Nonces in use whose counts are kept. */
  readonly maxNonces: number;
}

/** What a nonce is worth: `good` for this count, `stale` (ours, and too old or this count was had), or not ours. */
export type NonceState = 'good' | 'stale' | 'foreign';

/** Characters of the code that are sent: 128 bits. */
const MAC_LENGTH = 32;

/**
 * RFC 7616 5.4: nonces that need no memory until they are used: a time and a code over it. Of a used one the highest count is kept (5.12,
 * replay). Only who knows a password can use one, so nobody else can fill the table; where it is full, the one used first goes, and with
 * it every unused nonce that is as old: a count that was forgotten can never be taken twice.
 */
export class Nonces {
  readonly #settings: NonceSettings;
  readonly #mac: Hashes['mac'];
  readonly #unique: () => string;
  readonly #counts = new Map<string, number>();
  /** Nonces made up to then are stale unless they are in the table. */
  #floor = 0;

  constructor(settings: NonceSettings, mac: Hashes['mac'], unique: () => string) {
    this.#settings = settings;
    this.#mac = mac;
    this.#unique = unique;
  }

  /** Nonces in use. */
  get size(): number {
    return this.#counts.size;
  }

  /** A new nonce, never the same again. `now` in ms since 1970. */
  make(now: number): string {
    const body = `${now.toString(36)}.${this.#unique()}`;
    return `${body}.${this.#code(body)}`;
  }

  /** Whether that nonce was made here, and when, ms since 1970. */
  madeAt(nonce: string): number | undefined {
    const end = nonce.lastIndexOf('.');
    const body = nonce.slice(0, Math.max(0, end));
    if (!sameText(nonce.slice(end + 1), this.#code(body))) return undefined;
    return Number.parseInt(body, 36);
  }

  /**
   * Uses a nonce with that count (8 hex digits), once. The caller has seen that the response is right. By the count the server detects
   * replays (RFC 7616 3.4); it must rise, so of two requests that overtook each other the later comer is challenged anew, as `stale`,
   * which its phone answers by itself.
   */
  use(nonce: string, nc: string, now: number): NonceState {
    const made = this.madeAt(nonce);
    if (made === undefined) return 'foreign';
    if (made > now || now - made >= this.#settings.nonceLifetime) return 'stale';
    const count = Number.parseInt(nc, 16);
    const last = this.#counts.get(nonce);
    if (last === undefined ? made <= this.#floor : count <= last) return 'stale';
    if (count === 0) return 'stale';
    this.#makeRoom(now);
    this.#counts.set(last === undefined ? own(nonce) : nonce, count);
    return 'good';
  }

  /** Lets go of what has expired, a few at a time, and of the one used first where the table is full. */
  #makeRoom(now: number): void {
    let looked = 0;
    for (const nonce of this.#counts.keys()) {
      const made = Number.parseInt(nonce, 36);
      const over = now - made >= this.#settings.nonceLifetime;
      if (!over && this.#counts.size < this.#settings.maxNonces) return;
      this.#counts.delete(nonce);
      if (!over) this.#floor = Math.max(this.#floor, made);
      if (++looked === 4) return;
    }
  }

  #code(body: string): string {
    return this.#mac(body).slice(0, MAC_LENGTH);
  }
}
