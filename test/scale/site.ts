import { Deadlines } from '../../shim/core/deadlines.ts';
import { partiesOf } from '../../shim/core/element/parties.ts';
import { type Effects, Presence, type PresenceSettings } from '../../shim/core/element/presence.ts';
import { SiteLease } from '../../shim/core/lease/lease.ts';
import type { Placing } from '../../shim/core/placing/placing.ts';
import type { Binding } from '../../shim/core/registrar/binding.ts';
import { Location, removed } from '../../shim/core/registrar/location.ts';
import type { Flow } from '../../shim/core/transport.ts';
import type { Chance } from '../support/mutate.ts';
import { Dialog } from './dialog.ts';
import type { Front } from './front.ts';
import type { PlannedCall } from './habits.ts';

/** On the way between shim and Worker, each way; ms. */
const NET = 15;
/** A telephone asks for so long, and refreshes when half of it is over, ms. */
const GRANTED = 3_600_000;

/** Its parts that are the shim's own. */
export interface SiteSettings {
  readonly name: string;
  readonly domain: string;
  readonly presence: PresenceSettings;
  /** What the element does with names, by its settings. */
  readonly placing: Placing;
}

/** What a site came to, beside what was counted. */
export interface SiteTotals {
  calls: number;
  refreshes: number;
}

/**
 * One site on a clock of its own: location service, dialog tracker, reporter, outbox and lease of the shim as they are, fed with the messages of
 * its calls; the network and the disk alone are not there. Behind it the Worker (`Front`).
 */
export class Site {
  readonly totals: SiteTotals = { calls: 0, refreshes: 0 };
  readonly presence: Presence;
  readonly #settings: SiteSettings;
  readonly #front: Front;
  readonly #location = new Location();
  readonly #lease: SiteLease;
  readonly #due = new Deadlines<() => void>();
  readonly #userAlarms = new Deadlines<string>();
  readonly #counting: number;
  #now = 0;
  #unique = 0;

  /** What happens before `counting` (ms) is not told in the totals. */
  constructor(settings: SiteSettings, front: Front, chance: Chance, counting: number) {
    this.#settings = settings;
    this.#front = front;
    this.#counting = counting;
    this.presence = new Presence(this.#location, settings.presence);
    // What would be compared is the same on both sides: the digests themselves are not made.
    const holdings = { users: () => this.presence.reporter.users(), digestOf: () => 'same' };
    this.#lease = new SiteLease({ chance }, this.presence.outbox, holdings);
  }

  aor(user: number): string {
    return `sip:u${user}.${this.#settings.name}@${this.#settings.domain}`;
  }

  /** Something that happens at its time. */
  at(time: number, what: () => void): void {
    this.#due.set(what, time);
  }

  /** Plays until that time, ms; what is due then is left. */
  play(until: number): void {
    for (;;) {
      const due = this.#due.next() ?? Infinity;
      const alarm = this.#userAlarms.next() ?? Infinity;
      const next = Math.min(due, alarm, this.#front.site.armed ?? Infinity);
      if (next >= until) break;
      this.#now = Math.max(this.#now, next);
      if (due <= next) this.#due.take(this.#now)?.();
      else if (alarm <= next) this.#ring(this.#userAlarms.take(this.#now) as string);
      else this.#front.site.alarm(this.#now);
    }
    this.#now = until;
  }

  /** Registers a user's telephone, and has it refresh. */
  register(user: number, offset = 0): void {
    const binding: Binding = {
      ...{ aor: this.aor(user), contact: `sip:u@${hostOf(user)}:5060`, callId: `r${user}`, cseq: 1, q: 1, since: this.#now },
      ...{ expiresAt: this.#now + GRANTED, userAgent: 'phone', flow: flowOf(user), params: '' },
    };
    this.#location.replace(binding.aor, [binding]);
    this.#effects(this.presence.bindings([{ type: 'added', binding }], this.#now));
    this.at(this.#now + GRANTED / 2 - offset, () => this.#refresh(binding));
  }

  /** De-registers it. */
  unregister(user: number): void {
    const [binding] = this.#location.get(this.aor(user));
    if (binding === undefined) return;
    this.#location.replace(binding.aor, []);
    this.#effects(this.presence.bindings([removed(binding, 'unregistered')], this.#now));
  }

  /** A call begins now. */
  call({ caller, callee, end, rings, talks, reacts }: PlannedCall): void {
    const here = (user: number | undefined) => user !== undefined && this.#location.has(this.aor(user), this.#now);
    // Nobody calls from, or reaches, a telephone that is switched off: no INVITE is answered, and nobody is told of it.
    if ((caller !== undefined && !here(caller)) || (callee !== undefined && !here(callee))) return;
    if (this.#now >= this.#counting) this.totals.calls += 1;
    const foreign = 'sip:somebody@elsewhere.example';
    const host = caller === undefined ? '192.0.2.1' : hostOf(caller);
    const called = callee === undefined ? undefined : this.aor(callee);
    const dialog = new Dialog(caller === undefined ? foreign : this.aor(caller), called ?? foreign, this.#unique++, host);
    const invite = dialog.invite();
    const way = { flow: caller === undefined ? FOREIGN : flowOf(caller), callee: called };
    const parts = { location: this.#location, placing: this.#settings.placing, unique: () => `${this.#unique++}` };
    const parties = () => partiesOf(invite, way, parts, this.#now);
    this.#effects(this.presence.request(invite, parties, this.#now, { callee: called, sent: { branch: dialog.branch } }));
    const answered = (status: number) =>
      this.#effects(this.presence.response(dialog.response(status), this.#now, called ?? null));
    const within = (m: ReturnType<Dialog['bye']>) => this.#effects(this.presence.request(m, () => ({}), this.#now));
    const after = (ms: number, what: () => void) => this.at(this.#now + ms, what);
    after(reacts, () => answered(180));
    after(reacts + rings, () => {
      if (end !== 'answered') return answered(end === 'abandoned' ? 487 : 486);
      answered(200);
      after(reacts, () => within(dialog.ack()));
      after(reacts + talks, () => {
        within(dialog.bye());
        after(reacts, () => this.#effects(this.presence.response(dialog.byeAnswer(), this.#now)));
      });
    });
  }

  #refresh(before: Binding): void {
    // It was switched off meanwhile, or off and on.
    if (this.#location.get(before.aor)[0] !== before) return;
    if (this.#now >= this.#counting) this.totals.refreshes += 1;
    const binding = { ...before, cseq: before.cseq + 1, expiresAt: this.#now + GRANTED };
    this.#location.replace(binding.aor, [binding]);
    this.#effects(this.presence.bindings([{ type: 'refreshed', binding }], this.#now));
    this.at(this.#now + GRANTED / 2, () => this.#refresh(binding));
  }

  /** What is to be written is not: there is no disk. */
  #effects(_effects: Effects): void {
    this.#send();
    this.#armTracker();
  }

  readonly #expire = (): void => this.#effects(this.presence.expire(this.#now));
  readonly #wakeOutbox = (): void => this.#send();
  readonly #wakeLease = (): void => this.#keep();

  #armTracker(): void {
    const at = this.presence.nextDeadline();
    if (at === undefined) this.#due.clear(this.#expire);
    else this.#due.set(this.#expire, Math.max(at, this.#now));
  }

  /** As `shim/io/sender.ts`: one request of updates under way, the next when its answer is there. */
  #send(): void {
    const { outbox } = this.presence;
    const sentAt = this.#now;
    const batch = outbox.take(sentAt);
    if (batch === undefined) {
      const at = outbox.nextDeadline();
      if (at !== undefined && at > this.#now) this.at(at, this.#wakeOutbox);
      return;
    }
    this.at(sentAt + NET, () => {
      const { answer, at } = this.#front.updates(batch.epoch, batch.items, this.#now);
      this.#follow(batch.items.length);
      this.at(at + NET, () => {
        this.#lease.spoken(answer.lease, sentAt);
        outbox.settle(answer, this.#now);
        this.#send();
        this.#keep();
      });
    });
  }

  /** And one of what keeps the lease. */
  #keep(): void {
    const request = this.#lease.take(this.#now);
    if (request === undefined) {
      const at = this.#lease.nextDeadline();
      if (at !== undefined) this.at(Math.max(at, this.#now + 1), this.#wakeLease);
      return;
    }
    const { epoch } = this.presence.outbox;
    this.at(this.#now + NET, () => {
      if (request.kind === 'heartbeat') {
        const { answer, at } = this.#front.updates(epoch, [], this.#now);
        this.at(at + NET, () => this.#kept(() => this.#lease.settle(answer.lease, undefined, this.#now)));
        return;
      }
      const body = JSON.parse(request.body) as { readonly done?: number };
      const { answer, at } =
        body.done === undefined ? this.#front.page(epoch, this.#now) : this.#front.done(epoch, body.done, this.#now);
      this.at(at + NET, () => this.#kept(() => this.#lease.settle(answer.lease, answer, this.#now)));
    });
  }

  #kept(settle: () => void): void {
    settle();
    this.#send();
    this.#keep();
  }

  /** The alarms of users' objects that may have been set. */
  #follow(updates: number): void {
    if (updates === 0) return;
    for (const user of this.#front.touched) this.#arm(user);
    this.#front.touched.clear();
  }

  #ring(name: string): void {
    const user = this.#front.users.get(name);
    if (user === undefined) return;
    this.#front.alarm(user, this.#now);
    this.#arm(name);
  }

  #arm(name: string): void {
    const armed = this.#front.users.get(name)?.armed ?? null;
    if (armed === null) this.#userAlarms.clear(name);
    else this.#userAlarms.set(name, armed);
  }
}

const hostOf = (user: number): string => `10.0.${user >> 8}.${user & 255}`;
const flowOf = (user: number): Flow => flow(hostOf(user));
const flow = (address: string): Flow => ({
  transport: 'udp',
  local: { address: '10.1.0.1', port: 5060 },
  remote: { address, port: 5060 },
});
const FOREIGN = flow('192.0.2.1');
