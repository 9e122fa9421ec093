import { type Bucket, fullBucket, type Rate } from './bucket.ts';
import type { OpenCalls } from './open-calls.ts';

/** What is remembered of one source. */
export interface Source {
  /** The address by which it was first heard of. */
  readonly address: string;
  /** That very address is never limited or banned. */
  exempt: boolean;
  readonly messages: Bucket;
  readonly registers: Bucket;
  /** Points against it, and when they were counted, ms since 1970. */
  score: number;
  scoredAt: number;
  /** Nothing of it is taken until then. */
  bannedUntil: number;
  /** How often it was banned on evidence that it cannot have been made up by others. */
  bans: number;
  calls?: OpenCalls;
}

/** Entries looked through for one that may go. */
const LOOK = 8;

/** The sources heard of, bounded: of the oldest the one with the least against it goes first, and a ban last. */
export class Sources {
  readonly #sources = new Map<string, Source>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#sources.size;
  }

  get(key: string): Source | undefined {
    return this.#sources.get(key);
  }

  /** A source heard of for the first time. */
  add(
    key: string,
    address: string,
    exempt: boolean,
    rates: { readonly messages: Rate; readonly registers: Rate },
    now: number,
  ): Source {
    if (this.#sources.size >= this.#max) this.#evict(now);
    const source: Source = {
      address,
      exempt,
      messages: fullBucket(rates.messages, now),
      registers: fullBucket(rates.registers, now),
      score: 0,
      scoredAt: now,
      bannedUntil: 0,
      bans: 0,
    };
    this.#sources.set(key, source);
    return source;
  }

  /** Decides anew who is exempt. */
  exempt(isExempt: (address: string) => boolean): void {
    for (const source of this.#sources.values()) source.exempt = isExempt(source.address);
  }

  /** Banned sources, looked for one by one: for those who ask, not for each message. */
  banned(now: number): number {
    let count = 0;
    for (const { bannedUntil } of this.#sources.values()) if (bannedUntil > now) count += 1;
    return count;
  }

  /** Of the first few, the one whose loss costs least: not banned, with the fewest points. The others go to the end, as if heard of now. */
  #evict(now: number): void {
    let least: string | undefined;
    let leastWorth = Number.POSITIVE_INFINITY;
    const looked: [string, Source][] = [];
    for (const [key, source] of this.#sources) {
      const worth = source.bannedUntil > now ? source.bannedUntil : source.score;
      if (worth < leastWorth) {
        least = key;
        leastWorth = worth;
      }
      looked.push([key, source]);
      if (looked.length === LOOK || leastWorth === 0) break;
    }
    for (const [key, source] of looked) {
      this.#sources.delete(key);
      if (key !== least) this.#sources.set(key, source);
    }
  }
}
