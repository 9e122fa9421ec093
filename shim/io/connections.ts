import { sourceOf } from '../core/guard/source.ts';
import type { OnFailure } from './network.ts';

/** A connection of any stream or WebSocket transport. */
export interface Connection {
  readonly id: number;
  /** Whether something can still be sent. */
  readonly usable: boolean;
  /** Queues a message; one that does not go out is reported. */
  send(text: string, onFailure: OnFailure | undefined): void;
  /** Ends after what is written has gone out, or after `timeout` ms. */
  close(timeout: number): Promise<void>;
}

/** May whoever is at that address, and has so many connections open, open one more. */
export type Welcome = (address: string, open: number) => boolean;

/** All connections of all transports: one space of numbers, one limit. */
export class Connections {
  readonly #max: number;
  readonly #byId = new Map<number, Connection>();
  /** By the other end, as the transport names it, for those that can be reached by it. */
  readonly #byEnd = new Map<string, Connection>();
  readonly #welcome: Welcome;
  /** Whose connections those are that others opened, by number, and how many each source has. */
  readonly #sources = new Map<number, string>();
  readonly #counts = new Map<string, number>();
  #lastId = 0;

  constructor(max: number, welcome: Welcome = () => true) {
    this.#max = max;
    this.#welcome = welcome;
  }

  get size(): number {
    return this.#byId.size;
  }

  get full(): boolean {
    return this.#byId.size >= this.#max;
  }

  /** May whoever is at that address open one more. */
  admits(address: string): boolean {
    return !this.full && this.#welcome(address, this.#counts.get(sourceOf(address)) ?? 0);
  }

  /** A number that no other connection has or had. */
  nextId(): number {
    return ++this.#lastId;
  }

  /** `end`: see `toward`; undefined where nothing but its number leads to it. `opener`: the address of who opened it, where others did. */
  add(connection: Connection, end: string | undefined, opener?: string): void {
    this.#byId.set(connection.id, connection);
    if (opener !== undefined) {
      const source = sourceOf(opener);
      this.#sources.set(connection.id, source);
      this.#counts.set(source, (this.#counts.get(source) ?? 0) + 1);
    }
    if (end !== undefined) this.#byEnd.set(end, connection);
  }

  remove(connection: Connection, end: string | undefined): void {
    this.#byId.delete(connection.id);
    const source = this.#sources.get(connection.id);
    if (source !== undefined) {
      this.#sources.delete(connection.id);
      const others = (this.#counts.get(source) ?? 1) - 1;
      if (others > 0) this.#counts.set(source, others);
      else this.#counts.delete(source);
    }
    if (end !== undefined && this.#byEnd.get(end) === connection) this.#byEnd.delete(end);
  }

  /** The connection of that number, where it can still be used. */
  get(id: number): Connection | undefined {
    const connection = this.#byId.get(id);
    return connection?.usable ? connection : undefined;
  }

  /** A usable connection to that end. */
  toward(end: string): Connection | undefined {
    const connection = this.#byEnd.get(end);
    return connection?.usable ? connection : undefined;
  }

  closeAll(timeout: number): Promise<unknown> {
    return Promise.all([...this.#byId.values()].map((connection) => connection.close(timeout)));
  }
}
