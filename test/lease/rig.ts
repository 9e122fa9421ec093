import { digestOf, type LeaseAnswer, type ReconcileDone, type ReconcilePage, type Update } from '#protocol';
import { SiteLease } from '../../shim/core/lease/lease.ts';
import type { LeaseRequest, LeaseSettings } from '../../shim/core/lease/types.ts';
import { Outbox } from '../../shim/core/outbox/outbox.ts';
import type { OutboxEvent, Report } from '../../shim/core/outbox/types.ts';
import { differing, heldOf } from '../../worker/presence/held.ts';
import { type Lease, lapsed, reconciled, renewed } from '../../worker/presence/lease.ts';
import { shown } from '../../worker/presence/stale.ts';
import { words } from '../presence/support/site.ts';
import { VirtualWorker } from '../support/virtual-worker.ts';

export const T0 = 1_800_000_000_000;
export const DURATION = 30_000;
export const SITE = 'here';

/** The Worker's rules for one site: records, and the lease, under a clock that is told. */
export class LeaseWorker {
  readonly worker = new VirtualWorker();
  readonly users = new Set<string>();
  lease: Lease | undefined;
  /** Users named at most in one answer. */
  named = 1000;

  post(site: string, epoch: number | undefined, items: readonly string[], now: number) {
    for (const item of items) this.users.add((JSON.parse(item) as Update).user);
    const lease = this.#renew(epoch, now);
    const { results } = this.worker.post({ site, epoch: epoch ?? 0, items }, now);
    return { results, lease };
  }

  reconcile(body: Omit<ReconcilePage, 'version'> | Omit<ReconcileDone, 'version'>, now: number) {
    if ('done' in body) {
      const step = reconciled(this.lease as Lease, body.epoch, body.done, now, DURATION);
      this.lease = step.lease;
      return { lease: this.#answer(step.state), differ: [], more: false };
    }
    const lease = this.#renew(body.epoch, now);
    const listed = [...this.users].flatMap((user) => {
      const document = this.worker.document(user, now);
      return document === undefined ? [] : [{ user, version: document.version, text: JSON.stringify(document) }];
    });
    const differ = differing(body.users, heldOf(listed, SITE, body.from, body.to));
    return { lease, differ: differ.slice(0, this.named), more: differ.length > this.named };
  }

  /** As a reader sees a user: `available`, `talking stale`. */
  read(user: string, now: number): string {
    const document = this.worker.document(user, now);
    if (document === undefined) return 'never seen';
    const since = this.lease && lapsed(this.lease, now).staleSince;
    const { status, stale } = shown(document, [SITE], () => since ?? undefined);
    return stale ? `${status} stale` : status;
  }

  #renew(epoch: number | undefined, now: number): LeaseAnswer {
    const step = renewed(this.lease, epoch, now, DURATION);
    this.lease = step.lease;
    return this.#answer(step.state);
  }

  #answer(state: LeaseAnswer['state']): LeaseAnswer {
    const { epoch, round } = this.lease as Lease;
    return { state, duration: DURATION, epoch, round };
  }
}

/** What is true of a user: contacts, and ids of confirmed calls. */
export interface Truth {
  readonly contacts: Set<string>;
  readonly calls: Set<string>;
}

/** A shim's outbox and lease before such a Worker, and a cable between them that can be cut. */
export class LeaseRig {
  now = T0;
  epoch = T0;
  cut = false;
  readonly truth = new Map<string, Truth>();
  readonly events: OutboxEvent[] = [];
  /** What was sent, in words: `heartbeat`, `page 3`, `done`, `online`, `snapshot`. */
  readonly sent: string[] = [];
  outbox: Outbox;
  lease: SiteLease;
  readonly #site: LeaseWorker;
  readonly #settings: Partial<LeaseSettings>;
  readonly #say = words(() => T0);

  constructor(site = new LeaseWorker(), settings: Partial<LeaseSettings> = {}) {
    this.#site = site;
    this.#settings = settings;
    ({ outbox: this.outbox, lease: this.lease } = this.#start());
  }

  get site(): LeaseWorker {
    return this.#site;
  }

  #start() {
    const held = (user: string) => {
      const { contacts = new Set<string>(), calls = new Set<string>() } = this.truth.get(user) ?? {};
      return {
        terminals: [...contacts].map((contact) => this.#say.terminal(contact)),
        calls: [...calls].map((id) => this.#say.call(id, 'confirmed')),
      };
    };
    const outbox = new Outbox({ site: SITE, epoch: this.epoch, chance: () => 0.5, compares: true }, held);
    const lease = new SiteLease({ chance: () => 0.5, ...this.#settings }, outbox, {
      users: () => [...this.truth].filter(([, { contacts, calls }]) => contacts.size + calls.size > 0).map(([user]) => user),
      digestOf: (user) => {
        const { terminals, calls } = held(user);
        return terminals.length + calls.length > 0 ? digestOf({ terminals, calls }) : undefined;
      },
    });
    return { outbox, lease };
  }

  /** `kill -9` and a new start with the same truth; what had not been sent is lost with its rows. */
  restart(): void {
    this.epoch = Math.max(this.now, this.epoch + 1);
    ({ outbox: this.outbox, lease: this.lease } = this.#start());
    this.outbox.reconcile([...this.truth.keys()]);
  }

  /** Something happens to a user; `untold`: nobody lives to tell of it. */
  happens(user: string, what: 'online' | 'offline' | 'talking' | 'idle', id = 'c1', untold = false): void {
    const truth = this.truth.get(user) ?? { contacts: new Set(), calls: new Set() };
    this.truth.set(user, truth);
    const set = what === 'online' || what === 'offline' ? truth.contacts : truth.calls;
    if (what === 'online' || what === 'talking') set.add(id);
    else set.delete(id);
    if (!untold) this.outbox.add({ user, at: this.now, ...this.#say[what](id) } as Report, this.now);
  }

  /** Lets time pass up to `until`; requests come through at once, unless the cable is cut. */
  run(until: number): void {
    for (let i = 0; i < 100_000; i++) {
      if (this.#updates() || this.#keep()) continue;
      const times = [this.outbox.nextDeadline(), this.lease.nextDeadline()].map((at) => at ?? Number.POSITIVE_INFINITY);
      const next = Math.max(this.now + 1, Math.min(...times));
      if (next > until) {
        this.now = until;
        return;
      }
      this.now = next;
    }
    throw new Error('it never rests');
  }

  /** Lets so much time pass, ms. */
  pass(ms: number): void {
    this.run(this.now + ms);
  }

  #updates(): boolean {
    const batch = this.outbox.take(this.now);
    if (batch === undefined) return false;
    if (this.cut) {
      this.outbox.fail({ reason: 'unreachable' }, this.now);
      return true;
    }
    this.sent.push(...batch.items.map((item) => (JSON.parse(item) as Update).status));
    const { results, lease } = this.#site.post(SITE, batch.epoch, batch.items, this.now);
    this.lease.spoken(lease, this.now);
    this.events.push(...this.outbox.settle({ results }, this.now).events);
    return true;
  }

  #keep(): boolean {
    const request = this.lease.take(this.now);
    if (request === undefined) return false;
    if (this.cut) {
      this.lease.fail({ reason: 'unreachable' }, this.now);
      return true;
    }
    this.#answer(request);
    return true;
  }

  #answer(request: LeaseRequest): void {
    if (request.kind === 'heartbeat') {
      this.sent.push('heartbeat');
      const { lease } = this.#site.post(SITE, this.outbox.epoch, [], this.now);
      this.events.push(...this.lease.settle(lease, undefined, this.now).events);
      return;
    }
    const body = JSON.parse(request.body) as ReconcilePage | ReconcileDone;
    this.sent.push('users' in body ? `page ${Object.keys(body.users).length}` : 'done');
    const answer = this.#site.reconcile(body, this.now);
    this.events.push(...this.lease.settle(answer.lease, answer, this.now).events);
  }
}
