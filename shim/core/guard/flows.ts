import type { BindingChange } from '../registrar/binding.ts';
import type { Flow } from '../transport.ts';
import { type Bucket, fullBucket, type Rate } from './bucket.ts';
import type { OpenCalls } from './open-calls.ts';
import { sourceOf } from './source.ts';

/** An address and port at which somebody is registered, with a rate of its own. */
export interface RegisteredFlow {
  readonly bucket: Bucket;
  expiresAt: number;
  calls?: OpenCalls;
}

/**
 * The flows over which there are live registrations, and how many registrations each source has. A flow is known until the registration
 * that came over it last would run out; kept in the order of refreshes, so that the old ones are found at the front.
 */
export class RegisteredFlows {
  readonly #flows = new Map<string, RegisteredFlow>();
  readonly #bindings = new Map<string, number>();
  readonly #max: number;
  readonly #rate: Rate;

  constructor(max: number, rate: Rate) {
    this.#max = max;
    this.#rate = rate;
  }

  get size(): number {
    return this.#flows.size;
  }

  get(flow: Flow, now: number): RegisteredFlow | undefined {
    const known = this.#flows.get(keyOf(flow));
    return known !== undefined && known.expiresAt > now ? known : undefined;
  }

  /** Registrations of a source (`sourceOf`). One that was refreshed from elsewhere may still count here: see `recount`. */
  bindingsOf(source: string): number {
    return this.#bindings.get(source) ?? 0;
  }

  /** What became of bindings. */
  changed(changes: readonly BindingChange[], now: number): void {
    for (const { type, binding } of changes) {
      const source = sourceOf(binding.flow.remote.address);
      if (type === 'removed') this.#count(source, -1);
      else {
        if (type === 'added') this.#count(source, 1);
        this.#refresh(binding.flow, binding.expiresAt, now);
      }
    }
  }

  /** Sets the number of a source's registrations to what was found. */
  recount(source: string, bindings: number): void {
    this.#bindings.delete(source);
    this.#count(source, bindings);
  }

  #count(source: string, more: number): void {
    const bindings = this.bindingsOf(source) + more;
    if (bindings > 0) this.#bindings.set(source, bindings);
    else this.#bindings.delete(source);
  }

  #refresh(flow: Flow, expiresAt: number, now: number): void {
    const key = keyOf(flow);
    const known = this.#flows.get(key);
    this.#flows.delete(key);
    this.#flows.set(key, known ?? { bucket: fullBucket(this.#rate, now), expiresAt });
    if (known !== undefined) known.expiresAt = Math.max(known.expiresAt, expiresAt);
    let looked = 0;
    for (const [old, { expiresAt: end }] of this.#flows) {
      if (end > now && this.#flows.size <= this.#max) return;
      this.#flows.delete(old);
      if (++looked === 4) return;
    }
  }
}

const keyOf = ({ remote }: Flow): string => `${remote.address} ${remote.port}`;
