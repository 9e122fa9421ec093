import { Deadlines } from '../../shim/core/deadlines.ts';
import { Element, type ElementAction, type ElementSettings } from '../../shim/core/element/element.ts';
import type { Ban } from '../../shim/core/guard/guard.ts';
import type { JournalOp, JournalState, OutboxEntry } from '../../shim/core/journal.ts';
import type { OutboxEvent } from '../../shim/core/outbox/types.ts';
import { Self } from '../../shim/core/proxy/self.ts';
import type { Binding } from '../../shim/core/registrar/binding.ts';
import type { SendAction } from '../../shim/core/transaction/types.ts';
import type { Address, Flow } from '../../shim/core/transport.ts';
import { HASHES } from './digest.ts';
import { ELEMENT_SETTINGS } from './element.ts';
import type { VirtualAction, VirtualParty } from './virtual-network.ts';
import { type Fate, LOST, type VirtualWorker } from './virtual-worker.ts';

export interface VirtualShimSettings {
  readonly site: string;
  readonly address: Address;
  readonly domains: readonly string[];
  readonly worker: VirtualWorker;
  /** How the next request to the Worker fares. */
  readonly fate: () => Fate;
  readonly chance: () => number;
  readonly element?: (settings: ElementSettings) => ElementSettings;
}

/** What is on the disk of a shim: it outlives the process. */
export class VirtualDisk {
  readonly bindings = new Map<string, Binding>();
  readonly dialogs = new Map<string, string>();
  readonly outbox = new Map<string, OutboxEntry>();
  readonly known = new Set<string>();
  epoch = 0;

  write(ops: readonly JournalOp[]): void {
    for (const op of ops) {
      if (op.op === 'binding-put') this.bindings.set(`${op.binding.aor} ${op.binding.contact}`, op.binding);
      else if (op.op === 'binding-delete') this.bindings.delete(`${op.aor} ${op.contact}`);
      else if (op.op === 'dialog-put') this.dialogs.set(op.key, op.body);
      else if (op.op === 'dialog-delete') this.dialogs.delete(op.key);
      else if (op.op === 'known-put') this.known.add(op.aor);
      else if (op.op === 'outbox-put') this.outbox.set(`${op.entry.epoch} ${op.entry.sequence}`, op.entry);
      else this.outbox.delete(`${op.epoch} ${op.sequence}`);
    }
  }

  load(): JournalState {
    return {
      bindings: [...this.bindings.values()],
      dialogs: [...this.dialogs].map(([key, body]) => ({ key, body })),
      known: [...this.known],
      outbox: [...this.outbox.values()].toSorted((a, b) => a.epoch - b.epoch || a.sequence - b.sequence),
    };
  }
}

/** A whole shim on the virtual network: element, disk, and the way to the Worker. */
export class VirtualShim implements VirtualParty {
  readonly disk: VirtualDisk;
  readonly element: Element;
  readonly events: OutboxEvent[] = [];
  readonly defects: unknown[] = [];
  readonly bans: Ban[] = [];
  readonly #settings: VirtualShimSettings;
  readonly #link = new Deadlines<(now: number) => void>();
  #flying = false;

  /** Starts with what is on that disk. */
  constructor(settings: VirtualShimSettings, disk: VirtualDisk, now: number) {
    this.#settings = settings;
    this.disk = disk;
    disk.epoch = Math.max(now, disk.epoch + 1);
    const { site, address, domains, chance } = settings;
    const presence = { ...ELEMENT_SETTINGS.presence, outbox: { site, epoch: disk.epoch, chance } };
    const points = [
      { transport: 'udp' as const, ...address },
      { transport: 'tcp' as const, ...address },
    ];
    let count = 0;
    this.element = new Element((settings.element ?? ((s) => s))({ ...ELEMENT_SETTINGS, presence }), {
      self: new Self(points, domains),
      mac: HASHES.mac,
      unique: () => `${site}${disk.epoch}x${count++}`,
    });
    this.#do(this.element.restore(disk.load(), now), now);
  }

  receive(text: string, flow: Flow, now: number): readonly VirtualAction[] {
    return this.#do(this.element.receive(text, flow, now), now);
  }

  transportError(id: string, now: number): readonly VirtualAction[] {
    return this.#do(this.element.transportError(id, now), now);
  }

  expire(now: number): readonly VirtualAction[] {
    for (const step of this.#link.expired(now)) step(now);
    this.#send(now);
    return this.#do(this.element.expire(now), now);
  }

  nextDeadline(): number | undefined {
    const { outbox } = this.element.presence;
    const times = [this.element.nextDeadline(), this.#link.next(), this.#flying ? undefined : outbox.nextDeadline()];
    return Math.min(...times.map((t) => t ?? Number.POSITIVE_INFINITY));
  }

  #do(actions: readonly ElementAction[], now: number): SendAction[] {
    const sends: SendAction[] = [];
    for (const action of actions) {
      if (action.type === 'send') sends.push(action);
      else if (action.type === 'journal') this.disk.write(action.ops);
      else if (action.type === 'log') this.events.push(action.event);
      else if (action.type === 'banned') this.bans.push(action.ban);
      else this.defects.push(action.error);
    }
    this.#send(now);
    return sends;
  }

  #send(now: number): void {
    const { outbox } = this.element.presence;
    const batch = this.#flying ? undefined : outbox.take(now);
    if (batch === undefined) return;
    this.#flying = true;
    const fate = this.#settings.fate();
    this.#link.set((arrived) => {
      const answer = fate === 'lost' ? undefined : this.#settings.worker.post(batch, arrived);
      this.#link.set((back) => {
        this.#flying = false;
        const { ops, events } = answer && fate === 'well' ? outbox.settle(answer, back) : outbox.fail(LOST, back);
        this.disk.write(ops);
        this.events.push(...events);
      }, arrived + 5);
    }, now + 5);
  }
}
