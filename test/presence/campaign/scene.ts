import { applyDeadlines, clearOverride, compose, nextDeadline, setOverride } from '../../../worker/presence/index.ts';
import { OVERRIDE_ACTIVITIES, type OverrideSource } from '../../../worker/protocol/index.ts';
import { below, type Chance, pick } from '../../support/mutate.ts';
import { T0 } from '../support/user.ts';
import { CampaignSite, type Packet } from './site.ts';
import { Sayings, shown, truth } from './truth.ts';
import { Witness } from './witness.ts';

/** Events of one scene. */
export const EVENTS = 200;

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;
/** How long a packet is on its way at most that is not sent anew. */
const SLOWEST = 6 * SECOND;
/** By how much an expiry may be later here than at its site: what its report was late by, and the tolerance of clocks. */
const SLACK = SLOWEST + 4 * SECOND;
const APPLICATIONS = ['', 'calendar', 'desk', 'crm'];

/** What a scene came to. */
export interface SceneResult {
  readonly events: number;
  readonly counts: ReadonlyMap<string, number>;
  /** What must not be. */
  readonly wrong: readonly string[];
}

/** One user at several sites for a while, with everything that may go wrong between; then quiet, and the state has to be the truth. */
export function playScene(chance: Chance, events = EVENTS): SceneResult {
  return new Scene(chance).play(events);
}

class Scene {
  readonly #chance: Chance;
  readonly #sites: readonly CampaignSite[];
  readonly #witness: Witness;
  readonly #sayings = new Sayings();
  readonly #wire: { packet: Packet; by: number }[] = [];
  /** What was delivered before: it may come again at any time. */
  readonly #delivered: Packet[] = [];
  #now = T0;

  constructor(chance: Chance) {
    this.#chance = chance;
    const single = below(chance, 4) === 0;
    const expiry = pick(chance, ['shim', 'server'] as const);
    const shape = { terminals: single ? 1 : 3, calls: single ? 1 : 3, expiry };
    const count = single ? 1 : 1 + below(chance, 4);
    this.#sites = Array.from({ length: count }, (_, n) => new CampaignSite(`site-${n}`, shape, chance, this.#now));
    this.#witness = new Witness(single, expiry === 'server');
  }

  play(events: number): SceneResult {
    for (let n = 0; n < events; ) {
      const what = this.#event();
      if (what === '') continue;
      n += 1;
      this.#witness.count(what);
    }
    this.#heal();
    this.#compare();
    this.#silence();
    const { counts, wrong } = this.#witness;
    return { events, counts, wrong: [...new Set(wrong)] };
  }

  #event(): string {
    const chance = this.#chance;
    const site = pick(chance, this.#sites);
    const dice = below(chance, 100);
    if (dice < 34) return site.act();
    if (dice < 52) return this.#send(site);
    if (dice < 66) return this.#arrive(0, 'delivered');
    if (dice < 70) return this.#arrive(below(chance, this.#wire.length || 1), 'delivered out of order');
    if (dice < 74) return this.#repeat();
    if (dice < 77) return this.#lose();
    if (dice < 78) return this.#kill(site);
    if (dice < 81) return this.#evict();
    if (dice < 85) return this.#alarm();
    if (dice < 90) return this.#override();
    return this.#pass();
  }

  #send(site: CampaignSite): string {
    if (!site.waits) return '';
    this.#wire.push({ packet: site.send(1 + below(this.#chance, 3)), by: this.#now + SLOWEST });
    return 'sent';
  }

  #arrive(index: number, what: string): string {
    const [flying] = this.#wire.splice(index, 1);
    if (flying === undefined) return '';
    this.#deliver(flying.packet);
    return what;
  }

  #repeat(): string {
    const packet = pick(this.#chance, [...this.#wire.map((flying) => flying.packet), ...this.#delivered, undefined]);
    if (packet === undefined) return '';
    // The site sends it again, so it stamps it again.
    this.#deliver({ ...packet, sentAt: packet.site.time });
    return 'doubled';
  }

  #lose(): string {
    return take(this.#wire, (_, index) => index === 0).length === 0 ? '' : 'lost';
  }

  #deliver(packet: Packet): void {
    const verdicts = this.#witness.take(packet, this.#now);
    this.#delivered.push(packet);
    if (this.#delivered.length > 20) this.#delivered.shift();
    if (below(this.#chance, 10) > 0) packet.site.answered(verdicts);
    else this.#witness.count('answer lost');
  }

  #kill(site: CampaignSite): string {
    site.kill();
    return 'site killed';
  }

  #evict(): string {
    this.#witness.evict();
    return 'evicted';
  }

  /** At the time of the earliest deadline, late, or early; and then once more. */
  #alarm(): string {
    const due = nextDeadline(this.#witness.record)?.at ?? this.#now;
    const late = pick(this.#chance, [0, 0, 1, 90 * SECOND]);
    if (due - this.#now < DAY) this.#goTo(Math.max(this.#now, due + late));
    for (let again = 0; again < 2; again++) this.#witness.settle(this.#now);
    return late === 0 ? 'alarm' : 'alarm late';
  }

  #override(): string {
    const who = pick(this.#chance, APPLICATIONS);
    const source: OverrideSource = who === '' ? { by: 'person' } : { by: 'application', application: who };
    const witness = this.#witness;
    witness.settle(this.#now);
    if (below(this.#chance, 3) === 0) {
      this.#sayings.said.delete(who);
      const { record, change } = clearOverride(witness.record, source, this.#now);
      witness.step(record, change === undefined ? [] : [change]);
      return 'override taken back';
    }
    const activity = pick(this.#chance, OVERRIDE_ACTIVITIES);
    const lifetime = pick(this.#chance, [20 * SECOND, HOUR, 8 * HOUR]);
    const done = setOverride(witness.record, { source, activity, lifetime }, this.#now);
    if (!done.ok) return 'override refused';
    this.#sayings.set(who, activity, lifetime, this.#now, done.record !== witness.record);
    witness.step(done.record, done.change === undefined ? [] : [done.change]);
    return 'override set';
  }

  #pass(): string {
    const far = below(this.#chance, 12) === 0;
    this.#goTo(this.#now + (far ? below(this.#chance, 5 * HOUR) : below(this.#chance, 8 * SECOND)));
    return far ? 'long pause' : 'pause';
  }

  /** Time passes. What is on its way and not sent anew arrives in time. */
  #goTo(now: number): void {
    for (const { packet, by } of take(this.#wire, (flying) => flying.by <= now)) {
      this.#setClocks(by);
      this.#deliver(packet);
    }
    this.#setClocks(now);
  }

  #setClocks(now: number): void {
    this.#now = Math.max(this.#now, now);
    for (const site of this.#sites) site.now = this.#now;
  }

  /** Nothing is lost any more: each site says one thing more, and tells all that it knows where that shows that something is missing. */
  #heal(): void {
    for (const site of this.#sites) site.tidy();
    this.#goTo(this.#now + 2 * SLACK);
    this.#witness.settle(this.#now);
    for (const site of this.#sites) {
      site.conclude(SLACK);
      for (let rounds = 0; site.waits && rounds < 20; rounds++) site.answered(this.#witness.take(site.send(3), this.#now));
      if (site.waits) this.#witness.wrong.push(`${site.name} is not heard`);
    }
  }

  #compare(): void {
    const document = compose(this.#witness.record);
    if (document === undefined) {
      this.#witness.wrong.push('nothing is known of the user');
      return;
    }
    const { statusOf, ...expected } = truth(this.#sites, this.#sayings, this.#now);
    const { terminalStatus } = document;
    this.#expect(shown(document), expected);
    this.#expect(document.status, statusOf(terminalStatus));
    const talking = expected.callStatus === 'talking';
    const possible = expected.terminals.length > 0 ? ['online'] : talking ? ['online', 'offline-waiting'] : ['offline'];
    if (!possible.includes(terminalStatus)) this.#witness.wrong.push(`${terminalStatus} where ${possible} is true`);
  }

  /** Nobody says anything any more: what has a deadline ends by it, by an alarm that comes late. */
  #silence(): void {
    const witness = this.#witness;
    for (let due = nextDeadline(witness.record); due !== undefined; due = nextDeadline(witness.record)) {
      if (due.at > this.#now + 32 * DAY) break;
      const { record, changes } = applyDeadlines(witness.record, due.at + below(this.#chance, HOUR));
      witness.step(record, changes);
    }
    this.#goTo(this.#now + 40 * DAY);
    witness.settle(this.#now);
    const { calls, override, callStatus, terminals, status } = compose(witness.record) ?? {};
    const kept = terminals?.some(({ expires }) => expires === null);
    this.#expect(
      { calls, override, callStatus, status },
      { calls: [], override: null, callStatus: 'idle', status: kept ? 'available' : 'offline' },
    );
  }

  #expect(seen: unknown, wanted: unknown): void {
    const [is, should] = [JSON.stringify(seen), JSON.stringify(wanted)];
    if (is !== should) this.#witness.wrong.push(`${is} where ${should} is true`);
  }
}

/** Takes out of a list what is meant. */
function take<T>(list: T[], meant: (item: T, index: number) => boolean): T[] {
  const taken = list.filter(meant);
  for (const item of taken) list.splice(list.indexOf(item), 1);
  return taken;
}
