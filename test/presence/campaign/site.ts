import { type CallReport, LIMITS, type TerminalReport, type Update, type Verdict } from '../../../worker/protocol/index.ts';
import { below, type Chance, pick } from '../../support/mutate.ts';
import { type Word, words } from '../support/site.ts';
import { USER } from '../support/user.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** How far the clock of a shim may be off. */
const CLOCKS = [0, 0, 0, 1_500, -10 * MINUTE, 10 * MINUTE, 7_000] as const;

/** A request on its way to the Worker. */
export interface Packet {
  readonly site: CampaignSite;
  readonly updates: readonly Update[];
  /** By the clock of the site. */
  readonly sentAt: number;
}

/** What a site can hold: how many telephones and calls, and who keeps expiry. */
export interface Shape {
  readonly terminals: number;
  readonly calls: number;
  readonly expiry: 'shim' | 'server';
}

/** A shim and what is true at it: registrations and calls of the user, and what it still has to tell of them. */
export class CampaignSite {
  readonly name: string;
  readonly terminals = new Map<string, TerminalReport>();
  readonly calls = new Map<string, CallReport>();
  /** Calls that were told with a deadline that nobody believes. */
  readonly #absurd = new Set<string>();
  readonly #shape: Shape;
  readonly #chance: Chance;
  #clock = 0;
  #epoch: number;
  readonly #epochs = new Set<number>();
  #sequence = 0;
  #previous = 0;
  #outbox: Update[] = [];
  #broken = false;
  #calls = 0;
  now: number;

  constructor(name: string, shape: Shape, chance: Chance, now: number) {
    this.name = name;
    this.#shape = shape;
    this.#chance = chance;
    this.now = now;
    this.#clock = pick(chance, CLOCKS);
    this.#epoch = this.time;
    this.#epochs.add(this.#epoch);
  }

  /** What the site's clock shows. */
  get time(): number {
    return this.now + this.#clock;
  }

  /** Has it something to send. */
  get waits(): boolean {
    return this.#broken || this.#outbox.length > 0;
  }

  /** Something happens to a telephone or a call: what; empty where the dice fell on what cannot happen now. */
  act(): string {
    this.tidy();
    const contact = `sip:alice@192.0.2.${below(this.#chance, this.#shape.terminals)}`;
    const call = pick(this.#chance, [...this.calls.values(), undefined]);
    switch (below(this.#chance, 4)) {
      case 0:
        return this.#register(contact);
      case 1:
        return this.#unregister(contact);
      default:
        return call === undefined ? this.#ring() : this.#goOn(call);
    }
  }

  /** Takes what waits, up to `most` updates, as a request of now. */
  send(most: number): Packet {
    if (this.#broken) this.#snapshot();
    return { site: this, updates: this.#outbox.splice(0, most), sentAt: this.time };
  }

  /** Reads the answer to a request, as the shim's outbox does. */
  answered(verdicts: readonly Verdict[]): void {
    for (const verdict of verdicts) {
      if (verdict.verdict === 'gap' || verdict.verdict === 'rejected') this.#broken = true;
      // Another incarnation was heard that is later than this one: this one becomes the latest.
      if (verdict.verdict === 'stale' && verdict.last.epoch > this.#epoch) this.#begin(verdict.last.epoch + 1);
    }
  }

  /** The process dies: what it had to tell is lost, calls are where its disk did not keep them, and its clock may be another one. */
  kill(): void {
    if (below(this.#chance, 2) === 0) this.calls.clear();
    if (below(this.#chance, 4) === 0) this.terminals.clear();
    this.#clock = pick(this.#chance, CLOCKS);
    this.#begin(this.time);
  }

  /** What has run out by the site's own clock is over here too. */
  tidy(): void {
    for (const { contact, expires } of this.terminals.values()) {
      if (expires !== null && expires <= this.time) this.terminals.delete(contact);
    }
    for (const { id, deadline } of this.calls.values()) if (deadline <= this.time) this.#end(id);
  }

  /** The last words: of what runs out within `margin` ms or just has, the end, so that no clock decides; then one of which it is seen whether any is missing. */
  conclude(margin: number): void {
    for (const { contact, expires } of this.terminals.values()) {
      if (expires !== null && expires <= this.time + margin) this.#unregister(contact);
    }
    for (const { id, deadline } of this.calls.values()) if (deadline <= this.time + margin) this.#hangUp(id);
    this.#unregister('sip:alice@192.0.2.0');
    this.#register('sip:alice@192.0.2.0');
  }

  /** Two incarnations that begin in the same millisecond are none that there could be. */
  #begin(epoch: number): void {
    this.#epoch = epoch;
    while (this.#epochs.has(this.#epoch)) this.#epoch += 1;
    this.#epochs.add(this.#epoch);
    this.#sequence = 0;
    this.#previous = 0;
    this.#outbox = [];
    this.#broken = true;
  }

  #register(contact: string): string {
    const known = this.terminals.get(contact);
    if (known === undefined && this.terminals.size >= LIMITS.terminals) return '';
    const life = pick(this.#chance, [10 * SECOND, 5 * MINUTE, HOUR]);
    const expires = this.#shape.expiry === 'server' ? this.time + life : null;
    const since = known?.since ?? this.time;
    const word = words(() => this.time).online(contact, { since, expires });
    if (word.status === 'online') this.terminals.set(contact, word.terminal);
    if (known === undefined || expires !== null) this.#tell(word);
    return known === undefined ? 'register' : 'refresh';
  }

  #unregister(contact: string): string {
    if (!this.terminals.delete(contact)) return '';
    this.#tell(words(() => this.time).offline(contact));
    return 'unregister';
  }

  #ring(): string {
    if (this.calls.size >= this.#shape.calls) return '';
    this.#calls += 1;
    const direction = pick(this.#chance, ['incoming', 'outgoing'] as const);
    const deadline = this.time + pick(this.#chance, [MINUTE, 4 * HOUR]);
    this.#tellCall('early', words(() => this.time).call(`${this.#epoch}-${this.#calls}`, 'early', { direction, deadline }));
    return 'ring';
  }

  #goOn(call: CallReport): string {
    const at = below(this.#chance, 4);
    if (at === 0 || call.state === 'terminating') {
      this.#hangUp(call.id);
      return 'idle';
    }
    if (at === 1) {
      this.#tellCall('terminating', { ...call, state: 'terminating' });
      return 'terminating';
    }
    // Nobody believes a deadline of 100 hours; the site itself does not wait so long.
    const absurd = below(this.#chance, 10) === 0;
    if (absurd) this.#absurd.add(call.id);
    else this.#absurd.delete(call.id);
    const deadline = this.time + (absurd ? 100 : 4) * HOUR;
    const held = call.state === 'confirmed' && !call.held;
    this.#tellCall('talking', { ...call, state: 'confirmed', held, answeredAt: call.answeredAt ?? this.time, deadline });
    return held ? 'hold' : 'talking';
  }

  #hangUp(id: string): void {
    this.calls.delete(id);
    this.#tell(words(() => this.time).idle(id));
  }

  /** A call at its deadline. What was said to end too late to be believed is told of. */
  #end(id: string): void {
    if (this.#absurd.delete(id)) this.#hangUp(id);
    else this.calls.delete(id);
  }

  #tellCall(status: 'early' | 'talking' | 'terminating', call: CallReport): void {
    this.calls.set(call.id, { ...call, deadline: Math.min(call.deadline, this.time + 20 * HOUR) });
    this.#tell(status === 'terminating' ? { status, call, reason: { cause: 'bye' } } : { status, call });
  }

  #tell(word: Word): void {
    if (this.#broken) return;
    this.#sequence += 1;
    const place = { user: USER, epoch: this.#epoch, sequence: this.#sequence, previous: this.#previous, at: this.time };
    this.#outbox.push({ ...word, ...place } as Update);
    this.#previous = this.#sequence;
  }

  #snapshot(): void {
    this.#broken = false;
    this.tidy();
    this.#tell({ status: 'snapshot', terminals: [...this.terminals.values()], calls: [...this.calls.values()] });
  }
}
