import { Deadlines } from '../../shim/core/deadlines.ts';
import type { Address, Flow, Target } from '../../shim/core/transport.ts';

/** Anything that pure code asks for; the network performs those of type `send` and hands the others on. */
export interface VirtualAction {
  readonly type: string;
}

/** A pure party: time is told to it, and what it sends is what it returns. */
export interface VirtualParty {
  receive(text: string, flow: Flow, now: number): readonly VirtualAction[];
  expire(now: number): readonly VirtualAction[];
  nextDeadline(): number | undefined;
  transportError?(id: string, now: number): readonly VirtualAction[];
}

/** How datagrams fare; on TCP only the delay counts. Probabilities from 0 to 1, times in ms. */
export interface Conditions {
  /** Delay of a packet, evenly spread between the two: unequal delays reorder. */
  delay: readonly [least: number, most: number];
  loss: number;
  /** Probability that a datagram arrives twice. */
  doubling: number;
}

export interface Packet {
  readonly at: number;
  readonly transport: 'udp' | 'tcp';
  readonly from: Address;
  readonly to: Address;
  readonly text: string;
  readonly fate: 'sent' | 'lost' | 'doubled' | 'unreachable';
}

export interface Endpoint {
  readonly address: Address;
  /** Performs what the party wants outside of an event (a test that makes it begin something). */
  perform(actions: readonly VirtualAction[]): void;
  /** Takes the party off the network, as if its process had died. */
  detach(): void;
}

interface Attached extends Endpoint {
  readonly party: VirtualParty;
  readonly names: readonly string[];
  readonly onAction: (action: VirtualAction, now: number) => void;
}

/** One TCP connection: the end that opened it has an ephemeral port. */
interface Connection {
  readonly id: number;
  readonly ends: readonly [{ at: Attached; address: Address }, { at: Attached; address: Address }];
  /** Arrival of the last segment toward each end: the next does not overtake it. */
  readonly arrival: [number, number];
}

const PERFECT: Conditions = { delay: [1, 1], loss: 0, doubling: 0 };
/** More events than any test has: a party whose deadline never moves would otherwise run for ever. */
const MAX_EVENTS = 2_000_000;

/** A network and a clock for pure parties. The same seed gives the same run. */
export class VirtualNetwork {
  /** May be changed at any time. */
  conditions: Conditions;
  /** Sees each packet as it is sent. */
  tap: ((packet: Packet) => void) | undefined;
  #now: number;
  readonly #random: () => number;
  readonly #endpoints: Attached[] = [];
  readonly #connections = new Map<number, Connection>();
  readonly #inFlight = new Deadlines<() => void>();
  #lastConnection = 0;
  #lastPort = 49_151;

  constructor(options: { seed?: number; start?: number; conditions?: Partial<Conditions> } = {}) {
    this.#random = mulberry32(options.seed ?? 1);
    this.#now = options.start ?? 1_000_000;
    this.conditions = { ...PERFECT, ...options.conditions };
  }

  get now(): number {
    return this.#now;
  }

  /** The network's chance, for parties that need some of their own. */
  random(): number {
    return this.#random();
  }

  attach(
    party: VirtualParty,
    address: Address,
    options: { names?: readonly string[]; onAction?: (action: VirtualAction, now: number) => void } = {},
  ): Endpoint {
    if (this.#find(address.address, address.port)) throw new Error(`taken: ${address.address} port ${address.port}`);
    const endpoint: Attached = {
      party,
      address,
      names: options.names ?? [],
      onAction: options.onAction ?? (() => {}),
      perform: (actions) => this.#perform(endpoint, actions),
      detach: () => {
        this.#endpoints.splice(this.#endpoints.indexOf(endpoint), 1);
        for (const [id, { ends }] of this.#connections) if (ends.some((end) => end.at === endpoint)) this.#connections.delete(id);
      },
    };
    this.#endpoints.push(endpoint);
    return endpoint;
  }

  /** Breaks every TCP connection; what is under way on them is lost. */
  closeConnections(): void {
    this.#connections.clear();
  }

  /** Runs everything that happens in the next `ms`. */
  advance(ms: number): void {
    const until = this.#now + ms;
    this.#run(() => until);
    this.#now = until;
  }

  /** Runs until nothing is under way and nobody has a deadline within `gap` ms. Returns how long it took. */
  runUntilQuiet(gap = 64_000): number {
    const begin = this.#now;
    this.#run(() => this.#now + gap);
    return this.#now - begin;
  }

  #run(limit: () => number): void {
    for (let events = 0; ; events++) {
      if (events > MAX_EVENTS) throw new Error('the parties do not come to rest');
      const due = this.#earliest();
      const arrival = this.#inFlight.next() ?? Number.POSITIVE_INFINITY;
      const at = Math.min(due.at, arrival);
      if (at > limit()) return;
      this.#now = Math.max(this.#now, at);
      // What has arrived is read before timers run, as a busy process does.
      if (arrival <= due.at) this.#inFlight.take(this.#now)?.();
      else if (due.endpoint !== undefined) this.#perform(due.endpoint, due.endpoint.party.expire(this.#now));
    }
  }

  #earliest(): { endpoint: Attached | undefined; at: number } {
    let earliest: { endpoint: Attached | undefined; at: number } = { endpoint: undefined, at: Number.POSITIVE_INFINITY };
    for (const endpoint of this.#endpoints) {
      const at = endpoint.party.nextDeadline();
      if (at !== undefined && at < earliest.at) earliest = { endpoint, at };
    }
    return earliest;
  }

  #perform(from: Attached, actions: readonly VirtualAction[]): void {
    for (const action of actions) {
      if (action.type !== 'send') {
        from.onAction(action, this.#now);
        continue;
      }
      const { text, target, id } = action as VirtualAction & { text: string; target: Target; id?: string };
      if (target.transport === 'udp') this.#datagram(from, text, target);
      else this.#segment(from, text, target, id);
    }
  }

  #datagram(from: Attached, text: string, target: Target): void {
    const { delay, loss, doubling } = this.conditions;
    const host = target.address ?? target.host;
    const to = this.#find(host, target.port);
    const lost = to === undefined || this.#random() < loss;
    const copies = lost ? 0 : this.#random() < doubling ? 2 : 1;
    const address = { address: host, port: target.port };
    const fate = copies === 0 ? (to === undefined ? 'unreachable' : 'lost') : copies === 2 ? 'doubled' : 'sent';
    this.tap?.({ at: this.#now, transport: 'udp', from: from.address, to: address, text, fate });
    for (let i = 0; i < copies; i++) {
      this.#arrive(this.#now + this.#between(delay), () => {
        const now = this.#find(host, target.port);
        if (now === undefined) return;
        const flow: Flow = { transport: 'udp', local: now.address, remote: from.address };
        this.#perform(now, now.party.receive(text, flow, this.#now));
      });
    }
  }

  #segment(from: Attached, text: string, target: Target, id: string | undefined): void {
    const connection = this.#connectionFor(from, target);
    const address = { address: target.address ?? target.host, port: target.port };
    const fate = connection === undefined ? 'unreachable' : 'sent';
    this.tap?.({ at: this.#now, transport: 'tcp', from: from.address, to: address, text, fate });
    if (connection === undefined) {
      this.#arrive(this.#now + this.#between(this.conditions.delay), () => {
        if (id !== undefined) this.#perform(from, from.party.transportError?.(id, this.#now) ?? []);
      });
      return;
    }
    const side = connection.ends[0].at === from ? 1 : 0;
    const to = connection.ends[side];
    const remote = connection.ends[1 - side]?.address as Address;
    const arrival = Math.max(connection.arrival[side], this.#now + this.#between(this.conditions.delay));
    connection.arrival[side] = arrival;
    this.#arrive(arrival, () => {
      if (!this.#connections.has(connection.id)) return;
      const flow: Flow = { transport: 'tcp', local: to.address, remote, connection: connection.id };
      this.#perform(to.at, to.at.party.receive(text, flow, this.#now));
    });
  }

  #connectionFor(from: Attached, target: Target): Connection | undefined {
    const open = target.connection === undefined ? undefined : this.#connections.get(target.connection);
    if (open !== undefined) return open;
    if (target.behindNat && target.connection !== undefined) return undefined;
    for (const connection of this.#connections.values()) {
      const [a, b] = connection.ends;
      const far = a.at === from ? b : b.at === from ? a : undefined;
      if (far !== undefined && matches(far.address, far.at.names, target.address ?? target.host, target.port)) return connection;
    }
    const to = this.#find(target.address ?? target.host, target.port);
    if (to === undefined) return undefined;
    const near = { at: from, address: { address: from.address.address, port: ++this.#lastPort } };
    const id = ++this.#lastConnection;
    const made: Connection = { id, ends: [near, { at: to, address: to.address }], arrival: [0, 0] };
    this.#connections.set(made.id, made);
    return made;
  }

  #find(host: string, port: number): Attached | undefined {
    return this.#endpoints.find((endpoint) => matches(endpoint.address, endpoint.names, host, port));
  }

  #arrive(at: number, deliver: () => void): void {
    this.#inFlight.set(deliver, at);
  }

  #between([least, most]: readonly [number, number]): number {
    return least + Math.floor(this.#random() * (most - least + 1));
  }
}

function matches(address: Address, names: readonly string[], host: string, port: number): boolean {
  return address.port === port && (address.address === host || names.includes(host));
}

/** A small seeded generator with even spread, numbers from 0 to below 1. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
