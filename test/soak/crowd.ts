import type { LeanCall } from '../support/lean-call.ts';
import type { LeanPhones } from '../support/lean-phones.ts';
import { below, type Chance, pick } from '../support/mutate.ts';
import { pause, soonOr } from './pause.ts';

/** Seconds that a registration is asked for, by who goes on refreshing it, and by a telephone that is about to vanish. */
const EXPIRES = { refreshed: 300, last: 60 };
/** A telephone that has vanished comes back when its registration is surely over, ms. */
const VANISHED = 75_000;
/** Parties of a call that both have vanished call nobody until presence has surely found out (`FLAGS` of main.ts), ms. */
const GONE = 120_000;
/** A request that has no answer after so long never gets one: 64*T1 and then some, ms. */
const ANSWER_WITHIN = 60_000;
/** Parts of the refreshes that are in truth de-registrations, and last ones. */
const LEAVES = 0.03;
const VANISHES = 0.002;

interface User {
  readonly name: string;
  /** Registered and to stay so, de-registered, or about to fall silent for ever. */
  is: 'here' | 'left' | 'vanished';
  /** A REGISTER that changes that is under way: a call may be found either way. */
  changing: boolean;
  /** In a call, or about to be; `up` once it is answered. */
  busy: boolean;
  up: boolean;
  /** A telephone that has vanished: not before then does it come back, on the clock of `performance.now`. */
  backAt: number;
}

/** What the load came to. */
export interface CrowdCounts {
  calls: number;
  registers: number;
  /** Calls by what was meant to become of them. */
  readonly kinds: Map<string, number>;
  /** What came otherwise than meant: `abandoned: 200`. */
  readonly wrong: Map<string, number>;
  /** Calls that were to be made while nobody was free. */
  skipped: number;
}

/** How a call goes, and of a hundred calls how many do. */
const KINDS = [
  [62, 'talked'],
  [15, 'abandoned'],
  [12, 'refused'],
  [4, 'brief'],
  [4, 'nobody there'],
  [2.5, 'one vanished'],
  [0.5, 'both vanished'],
] as const;
type Kind = (typeof KINDS)[number][1];

/** The users and what they do: calls of all sorts, refreshes, telephones that come, go and vanish. A user is in one call at a time. */
export class Crowd {
  readonly counts: CrowdCounts = { calls: 0, registers: 0, kinds: new Map(), wrong: new Map(), skipped: 0 };
  readonly #phones: LeanPhones;
  readonly #chance: Chance;
  readonly #users: readonly User[];
  readonly #callees = new Map<string, (call: LeanCall) => void>();
  #next = 0;
  #open = 0;
  /** Nobody comes, goes or vanishes any more. */
  calm = false;

  constructor(phones: LeanPhones, users: number, chance: Chance) {
    this.#phones = phones;
    this.#chance = chance;
    this.#users = Array.from(
      { length: users },
      (_, n): User => ({
        ...{ name: `u${n}`, is: 'left', changing: false, busy: false, up: false, backAt: 0 },
      }),
    );
    phones.onCall = (call) => this.#callees.get(call.user)?.(call);
  }

  /** Calls that are not over yet. */
  get open(): number {
    return this.#open;
  }

  /** Who is to be seen as on-line in the end, and who as off-line. */
  expected(): { readonly aor: string; readonly present: boolean }[] {
    return this.#users.map(({ name, is }) => ({ aor: this.#phones.aor(name), present: is === 'here' }));
  }

  /** The next user in turn refreshes, leaves, vanishes, or comes back. */
  async refresh(): Promise<void> {
    const user = this.#users[this.#next++ % this.#users.length] as User;
    if (user.changing) return;
    if (user.is !== 'here') {
      if (performance.now() >= user.backAt && !user.busy) await this.#change(user, 'here', EXPIRES.refreshed);
      return;
    }
    const may = !this.calm && (!user.busy || user.up);
    const what = may ? this.#chance() : 1;
    if (what < VANISHES) await this.#change(user, 'vanished', EXPIRES.last);
    else if (what < VANISHES + LEAVES) await this.#change(user, 'left', 0);
    else await this.#register(user, EXPIRES.refreshed);
  }

  /** One call between two users who are free; nothing where none are. */
  async call(): Promise<void> {
    const kind = this.#kind();
    const caller = this.#take('here');
    const callee = this.#take(kind === 'nobody there' ? 'left' : 'here');
    if (caller === undefined || callee === undefined) {
      for (const user of [caller, callee]) if (user) user.busy = false;
      this.counts.skipped += 1;
      return;
    }
    this.counts.calls += 1;
    this.counts.kinds.set(kind, (this.counts.kinds.get(kind) ?? 0) + 1);
    this.#open += 1;
    try {
      await this.#play(kind, caller, callee);
    } finally {
      this.#open -= 1;
      this.#callees.delete(callee.name);
      for (const user of [caller, callee]) Object.assign(user, { busy: false, up: false });
    }
  }

  async #play(kind: Kind, caller: User, callee: User): Promise<void> {
    const incoming = new Promise<LeanCall>((resolve) => this.#callees.set(callee.name, resolve));
    const call = this.#phones.call(caller.name, callee.name);
    const expect = async (status: number) => this.#expect(kind, call.answered, status);
    if (kind === 'nobody there') return expect(480);
    const there = await soonOr(incoming, ANSWER_WITHIN);
    if (there === undefined) return this.#wrong(`${kind}: never rang`);
    if (this.#chance() < 0.9) there.ring();
    const rings = 100 + below(this.#chance, 2500);
    if (kind === 'abandoned') {
      there.ring();
      await pause(rings);
      await this.#expect(`${kind}, CANCEL`, call.cancel(), 200);
      return expect(487);
    }
    if (kind === 'refused') {
      await pause(below(this.#chance, rings));
      const status = pick(this.#chance, [486, 480, 603]);
      there.refuse(status);
      return expect(status);
    }
    await pause(rings);
    const acknowledged = there.answer();
    await expect(200);
    await this.#expect(`${kind}, ACK`, acknowledged, 200);
    caller.up = true;
    callee.up = true;
    await pause(kind === 'brief' ? 0 : 1000 + below(this.#chance, 6000));
    const [first, second] = this.#chance() < 0.5 ? [call, there] : [there, call];
    if (kind === 'both vanished') {
      first.vanish();
      second.vanish();
      return pause(GONE);
    }
    if (kind === 'one vanished') {
      first.vanish();
      await pause(500);
      // RFC 3261 15: nobody is there to answer; the server or the one who asks gives up after 64*T1.
      await soonOr(second.bye(), ANSWER_WITHIN);
      return;
    }
    await this.#expect(`${kind}, BYE`, first.bye(), 200);
    if (
      (await soonOr(
        second.ended.then(() => true),
        ANSWER_WITHIN,
      )) === undefined
    )
      this.#wrong(`${kind}: the other side has no BYE`);
  }

  async #change(user: User, is: User['is'], expires: number): Promise<void> {
    user.changing = true;
    if (is === 'vanished') user.backAt = performance.now() + VANISHED;
    await this.#register(user, expires);
    user.is = is;
    user.changing = false;
  }

  async #register(user: User, expires: number): Promise<void> {
    this.counts.registers += 1;
    await this.#expect('REGISTER', this.#phones.register(user.name, expires), 200);
  }

  async #expect(what: string, answer: Promise<number>, wanted: number): Promise<void> {
    const status = await soonOr(answer, ANSWER_WITHIN);
    if (status !== wanted) this.#wrong(`${what}: ${status ?? 'no answer'} instead of ${wanted}`);
  }

  #wrong(text: string): void {
    this.counts.wrong.set(text, (this.counts.wrong.get(text) ?? 0) + 1);
  }

  #kind(): Kind {
    let left = this.#chance() * KINDS.reduce((sum, [part]) => sum + part, 0);
    for (const [part, kind] of KINDS) {
      left -= part;
      if (left < 0) return kind;
    }
    return 'talked';
  }

  /** A user who is free and in that state: from a place by chance on, the first. */
  #take(is: User['is']): User | undefined {
    const from = below(this.#chance, this.#users.length);
    for (let i = 0; i < this.#users.length; i++) {
      const user = this.#users[(from + i) % this.#users.length] as User;
      if (user.busy || user.changing || user.is !== is) continue;
      user.busy = true;
      return user;
    }
    return undefined;
  }
}
