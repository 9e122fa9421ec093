import type { Address } from '../../support/product.ts';
import type { Sightings } from './sightings.ts';

/** `alone`: a proxy and registrar, presence not looked at. `dialog`: it follows calls besides. `presence`: and tells watchers. */
export type Mode = 'alone' | 'dialog' | 'presence';

export interface ServerOptions {
  readonly mode: Mode;
  /** Where it takes SIP, at 127.0.0.1. */
  readonly port: number;
  /** There is little load: little memory is kept ready. */
  readonly few?: boolean;
  /** As `few`, and calls are asked whether they live as often as can be. */
  readonly watchful?: boolean;
  /** As `few`, and what is over is forgotten soon: memory is looked at. */
  readonly lean?: boolean;
}

/** Who looks at some users, and what it saw. */
export interface Watch {
  readonly seen: Sightings;
  close(): void;
}

/** One of the two, running. */
export interface Server {
  readonly name: 'Offhook' | 'Kamailio';
  readonly sip: Address;
  /** Processes that do SIP, and those that keep presence apart from it. */
  pids(): { readonly sip: readonly number[]; readonly presence: readonly number[] };
  /** Begins to watch; resolves when the first state of each is in. `registrations`: whether they are registered, too, where that is another question. */
  watch(users: readonly string[], registrations?: boolean): Promise<Watch>;
  /** Resolves when all that was to be told is told; with what still waits after so many ms. */
  settled(within: number): Promise<string[]>;
  /**
   * Of these users, who reads as something else than registered and in no call; where they can be read without watching. With a prefix, calls
   * whose Call-ID begins otherwise are none of the matter.
   */
  wrongOf?(users: readonly string[], prefix?: string): Promise<string[]>;
  /** Memory that is in use, bytes, apart from what is kept from the system. */
  live(): Promise<number>;
  /** Telephones that are registered. */
  bindings(): Promise<number>;
  /** `kill -9` of all that does SIP. */
  kill(): Promise<void>;
  /** Starts again what was killed, with what it finds on its disk. Resolves when it takes SIP. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Where the telephones of SIPp are, and the server. The same for both sides. */
export interface Ports {
  readonly server: number;
  readonly callers: number;
  readonly callees: number;
  readonly registering: number;
}
