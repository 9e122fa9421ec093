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

/** All connections of all transports: one space of numbers, one limit. */
export class Connections {
  readonly #max: number;
  readonly #byId = new Map<number, Connection>();
  /** By the other end, as the transport names it, for those that can be reached by it. */
  readonly #byEnd = new Map<string, Connection>();
  #lastId = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#byId.size;
  }

  get full(): boolean {
    return this.#byId.size >= this.#max;
  }

  /** A number that no other connection has or had. */
  nextId(): number {
    return ++this.#lastId;
  }

  /** `end`: see `toward`; undefined where nothing but its number leads to it. */
  add(connection: Connection, end: string | undefined): void {
    this.#byId.set(connection.id, connection);
    if (end !== undefined) this.#byEnd.set(end, connection);
  }

  remove(connection: Connection, end: string | undefined): void {
    this.#byId.delete(connection.id);
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
