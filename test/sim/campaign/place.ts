import { type Packet, VirtualNetwork } from '../../support/virtual-network.ts';
import { type PhoneSettings, VirtualPhone } from '../../support/virtual-phone.ts';
import { VirtualDisk, VirtualShim, type VirtualShimSettings } from '../../support/virtual-shim.ts';
import { type Fate, VirtualWorker } from '../../support/virtual-worker.ts';

const START = Date.UTC(2026, 10, 22, 10);
const DELAY = [1, 120] as const;
const at = (address: string) => ({ address, port: 5060 });

export interface PlaceSettings {
  readonly seed: number;
  /** Probabilities of a datagram to be lost, to come twice, and of a request to the Worker (or its answer) to be lost. */
  readonly loss: number;
  readonly doubling: number;
  readonly workerLoss: number;
  /** Shims in a row between callers and callees (FIG. 3 to 6); 1 where both are at one. */
  readonly shims: 1 | 3;
}

/** A phone on its network. */
export interface Placed {
  readonly phone: VirtualPhone;
  /** It does something now. */
  act(what: (phone: VirtualPhone, now: number) => ReturnType<VirtualPhone['call']>): void;
  /** Off the network, without a word. */
  vanish(): void;
}

/** Shims, phones and the Worker under one virtual clock, with a plan of what happens when. */
export class Place {
  readonly network: VirtualNetwork;
  readonly worker = new VirtualWorker();
  readonly packets: Packet[] = [];
  /** Addresses of shims that were killed in this run. */
  readonly killed = new Set<string>();
  readonly #settings: PlaceSettings;
  readonly #hosts: readonly string[];
  readonly #running = new Map<string, { shim: VirtualShim; detach: () => void }>();
  readonly #disks = new Map<string, VirtualDisk>();
  #phones = 0;
  #plan: { at: number; what: () => void }[] = [];
  #lossy = true;

  constructor(settings: PlaceSettings) {
    const { seed, loss, doubling, shims } = settings;
    this.#settings = settings;
    this.network = new VirtualNetwork({ seed, start: START, conditions: { loss, doubling, delay: DELAY } });
    this.network.tap = (packet) => this.packets.push(packet);
    this.#hosts = Array.from({ length: shims }, (_, i) => `10.0.${i}.1`);
    for (const host of this.#hosts) this.#start(host);
  }

  get shims(): readonly VirtualShim[] {
    return [...this.#running.values()].map(({ shim }) => shim);
  }

  get shimHosts(): readonly string[] {
    return this.#hosts;
  }

  /** The address of record of a user who calls, or is called. */
  aor(user: string, side: 'near' | 'far'): string {
    return `sip:${user}@${this.#domain(side)}`;
  }

  phone(user: string, side: 'near' | 'far', settings: Partial<PhoneSettings> = {}): Placed {
    const shim = side === 'near' ? this.#hosts[0] : this.#hosts.at(-1);
    const n = ++this.#phones;
    const own = { user, domain: this.#domain(side), address: at(`10.1.${n >> 7}.${n & 127}`), shim: at(shim as string) };
    const phone = new VirtualPhone({ ...own, expires: 3600, answers: 300, delayedOffer: false, ...settings });
    const endpoint = this.network.attach(phone, own.address);
    endpoint.perform(phone.register(this.network.now));
    return {
      phone,
      act: (what) => endpoint.perform(what(phone, this.network.now)),
      vanish() {
        phone.forgetRegistration();
        endpoint.detach();
      },
    };
  }

  /** Does that `ms` from now. */
  after(ms: number, what: () => void): void {
    this.#plan.push({ at: this.network.now + ms, what });
  }

  /** Runs for `ms`, with what was planned for that time. */
  run(ms: number): void {
    const end = this.network.now + ms;
    for (;;) {
      const next = this.#plan.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#plan = this.#plan.filter((one) => one !== next);
      this.network.advance(Math.max(0, next.at - this.network.now));
      next.what();
    }
    this.network.advance(end - this.network.now);
  }

  /** `kill -9` of a shim; it is back `down` ms later with what was on its disk. */
  kill(host: string, down: number): void {
    this.killed.add(host);
    this.#running.get(host)?.detach();
    this.#running.delete(host);
    this.after(down, () => this.#start(host));
  }

  /** From now on nothing is lost any more. */
  calm(): void {
    this.network.conditions.loss = 0;
    this.#lossy = false;
  }

  /** `available idle` */
  seen(aor: string): string {
    const document = this.worker.document(aor, this.network.now);
    return document ? `${document.status} ${document.callStatus}` : 'never seen';
  }

  #domain(side: 'near' | 'far'): string {
    return side === 'far' && this.#hosts.length > 1 ? 'far.example' : 'near.example';
  }

  /** In a row each shim sends on what is not its own; the first and the last have users. */
  #start(host: string): void {
    const i = this.#hosts.indexOf(host);
    const next = this.#hosts[i + 1];
    const upstream = next === undefined ? undefined : { transport: 'udp' as const, host: next, port: 5060 };
    const domains = this.#hosts.length === 1 ? ['near.example'] : [['near.example'], ['middle.example'], ['far.example']][i];
    const settings: VirtualShimSettings = {
      ...{ site: `s${i}`, address: at(host), domains: domains ?? [], worker: this.worker, chance: () => this.network.random() },
      fate: () => this.#fate(),
      element: (s) => ({ ...s, upstream }),
    };
    const disk = this.#disks.get(host) ?? new VirtualDisk();
    this.#disks.set(host, disk);
    const shim = new VirtualShim(settings, disk, this.network.now);
    const endpoint = this.network.attach(shim, at(host));
    this.#running.set(host, { shim, detach: () => endpoint.detach() });
  }

  #fate(): Fate {
    const { workerLoss } = this.#settings;
    const chance = this.network.random();
    if (!this.#lossy || chance >= workerLoss) return 'well';
    return chance < workerLoss / 2 ? 'lost' : 'answer-lost';
  }
}
