import type { CallReport, Update, Verdict } from '#protocol';
import type { JournalOp, OutboxEntry } from '../../shim/core/journal.ts';
import { Outbox } from '../../shim/core/outbox/outbox.ts';
import type { OutboxEvent, OutboxSettings, Outcome, Report } from '../../shim/core/outbox/types.ts';
import { applyTo, emptyPicture, ModelWorker, type Picture } from './model-worker.ts';

export const ALICE = 'sip:alice@example.com';
export const BOB = 'sip:bob@example.com';
export const T0 = 1_800_000_000_000;

export const online = (user: string, contact = 'sip:a@h1'): Report => ({
  user,
  at: T0,
  status: 'online',
  terminal: { contact, since: T0, expires: null },
});
export const offline = (user: string, contact = 'sip:a@h1'): Report => ({
  user,
  at: T0,
  status: 'offline',
  contact,
  reason: 'expired',
});
export const idle = (user: string, call = 'c1'): Report => ({ user, at: T0, status: 'idle', call, reason: { cause: 'bye' } });
export const call = (user: string, status: 'early' | 'talking' | 'terminating', id = 'c1'): Report => ({
  user,
  at: T0,
  status,
  call: callReport(id, status === 'talking' ? 'confirmed' : status),
});

function callReport(id: string, state: CallReport['state']): CallReport {
  const times = { startedAt: T0, answeredAt: null, deadline: T0 + 1 };
  return {
    id,
    callId: id,
    direction: 'incoming',
    state,
    held: false,
    peer: { uri: 'sip:p@x' },
    media: [],
    session: 'voice',
    ...times,
  };
}

/** An outbox with a disk that is a map, the truth that it reports, and a model of the Worker. */
export class Rig {
  readonly worker = new ModelWorker();
  readonly truth = new Map<string, Picture>();
  readonly disk = new Map<string, OutboxEntry>();
  readonly events: OutboxEvent[] = [];
  outbox: Outbox;
  now = T0;
  epoch = T0;
  readonly #settings: Partial<OutboxSettings>;

  constructor(settings: Partial<OutboxSettings> = {}) {
    this.#settings = settings;
    this.outbox = this.#start();
  }

  #start(): Outbox {
    const settings = { site: 'here', epoch: this.epoch, chance: () => 0.5, ...this.#settings };
    return new Outbox(settings, (user) => {
      const picture = this.truth.get(user) ?? emptyPicture();
      return {
        terminals: [...picture.terminals].map((contact) => ({ contact, since: T0, expires: null })),
        calls: [...picture.calls].map(([id, state]) => callReport(id, state)),
      };
    });
  }

  /** Something happens to a user: truth, then the report. */
  report(...reports: Report[]): void {
    for (const report of reports) {
      const picture = this.truth.get(report.user) ?? emptyPicture();
      this.truth.set(report.user, picture);
      applyTo(picture, report);
      this.tell(this.outbox.add(report, this.now));
    }
  }

  tell(outcome: Outcome): Outcome {
    this.events.push(...outcome.events);
    this.write(outcome.ops);
    return outcome;
  }

  write(ops: readonly JournalOp[]): void {
    for (const op of ops) {
      if (op.op === 'outbox-put') this.disk.set(`${op.entry.epoch} ${op.entry.sequence}`, op.entry);
      if (op.op === 'outbox-delete') this.disk.delete(`${op.epoch} ${op.sequence}`);
    }
  }

  /** The next batch, as the Worker would read it. */
  take(): Update[] | undefined {
    return this.outbox.take(this.now)?.items.map((item) => JSON.parse(item) as Update);
  }

  settle(results: readonly Verdict[]): Outcome {
    return this.tell(this.outbox.settle({ results }, this.now));
  }

  /** One request that comes through, if there is one; what it carried. */
  deliver(meddle?: Parameters<ModelWorker['take']>[1]): Update[] | undefined {
    const updates = this.take();
    if (updates !== undefined) this.settle(this.worker.take(updates, meddle));
    return updates;
  }

  /** `kill -9` and a new start: only the disk and the truth (bindings and dialogs are on the same disk) remain. */
  restart(): void {
    this.epoch = Math.max(this.now, this.epoch + 1, this.outbox.epoch + 1);
    this.outbox = this.#start();
    this.tell(this.outbox.restore([...this.disk.values()], this.now));
    this.outbox.reconcile([...this.truth].filter(([, p]) => p.terminals.size + p.calls.size > 0).map(([user]) => user));
  }

  /** Lets time pass and requests come through until nothing is left; fails if that takes for ever. */
  drain(): void {
    for (let i = 0; i < 1000; i++) {
      if (this.deliver() !== undefined) continue;
      const next = this.outbox.nextDeadline();
      if (next === undefined) return;
      this.now = Math.max(this.now + 1, next);
    }
    throw new Error('the outbox is never empty');
  }
}

export const short = (updates: readonly Update[] | undefined) =>
  updates?.map(({ user, sequence, previous, status }) => `${user.slice(4, 7)} ${previous}>${sequence} ${status}`);
