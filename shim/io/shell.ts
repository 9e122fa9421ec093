import type { LeaseAnswer } from '#protocol';
import type { Element, ElementAction } from '../core/element/element.ts';
import { Turns } from '../core/guard/turns.ts';
import type { JournalOp } from '../core/journal.ts';
import type { OutboxEvent } from '../core/outbox/types.ts';
import type { Flow, Target } from '../core/transport.ts';
import { type Log, traceOf } from '../log.ts';
import { type Alarm, type Clock, createAlarm } from './clock.ts';

/** Pause after a defect in a timer, ms: one that comes again at once must not take the whole process. */
const AFTER_DEFECT = 1000;

/** What the shell works with: the real things, or those of a test. */
export interface ShellParts {
  readonly element: Element;
  /** Sends a byte string; `onFailure` at most once, later, where it did not leave. */
  readonly send: (text: string, target: Target, onFailure: () => void) => void;
  readonly journal: { write(ops: readonly JournalOp[]): void; committed(): Promise<boolean> };
  /** Something may wait for the Worker. */
  readonly wake: () => void;
  readonly clock: Clock;
  readonly log: Log;
  /** Messages of strangers that wait at most for their turn. */
  readonly maxWaiting: number;
}

/** Carries out what the element says, in its order, and owns the one timer of it all. */
export class Shell {
  readonly #parts: ShellParts;
  readonly #alarm: Alarm;
  readonly #turns: Turns;
  /** A turn is under way, and its end is awaited. */
  #turning = false;
  #armedFor = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(parts: ShellParts) {
    this.#parts = parts;
    this.#turns = new Turns(parts.maxWaiting);
    this.#alarm = createAlarm(parts.clock, () => this.#fire());
  }

  /** A message has come in. */
  receive(text: string, flow: Flow): void {
    if (this.#closed) return;
    const { element, clock } = this.#parts;
    const now = clock.now();
    const admission = element.admit(text, flow, now);
    if (admission === 'refused') {
      this.run(element.bans());
      return;
    }
    const turn = admission === 'at-once' ? this.#turns.follow(text, flow) : this.#turns.take(text, flow);
    if (turn === 'full') element.guard?.crowded();
    this.#awaitEnd();
    if (turn === 'now') this.run(element.take(text, flow, now));
  }

  /** Messages of strangers that wait for their turn. */
  get waiting(): number {
    return this.#turns.size;
  }

  /** Carries out actions, and arms the timer for what comes next. */
  run(actions: readonly ElementAction[]): void {
    for (const action of actions) this.#do(action);
    this.#arm();
  }

  /** Nothing more is received or timed. */
  close(): void {
    this.#closed = true;
    this.#alarm.close();
  }

  #do(action: ElementAction): void {
    const { journal, log, wake } = this.#parts;
    switch (action.type) {
      case 'send':
        if (action.durable) void journal.committed().then(() => this.#send(action.text, action.target, action.id));
        else this.#send(action.text, action.target, action.id);
        return;
      case 'journal':
        journal.write(action.ops);
        wake();
        return;
      case 'log':
        logOutbox(log, action.event);
        return;
      case 'banned': {
        const { source, until, why } = action.ban;
        log.warn('source banned', { source, why, until: new Date(until).toISOString() });
        return;
      }
      case 'defect':
        log.error('defect in presence, the call went on', { error: traceOf(action.error) });
        return;
    }
  }

  /** By the end of a turn the sockets were read once more: what is known was taken before those who wait. */
  #awaitEnd(): void {
    if (this.#turning || this.#turns.idle) return;
    this.#turning = true;
    setImmediate(() => {
      this.#turning = false;
      if (!this.#closed) this.#turn();
    });
  }

  /** One with a defect in it costs itself alone, as for what the network hands over. */
  #turn(): void {
    const { element, clock, log } = this.#parts;
    const due = this.#turns.next();
    this.#awaitEnd();
    for (const { text, flow } of due) {
      try {
        if (element.guard?.isBanned(flow, clock.now()) !== true) this.run(element.take(text, flow, clock.now()));
      } catch (error) {
        log.error('defect in the handling of a message', { error: traceOf(error) });
      }
    }
  }

  #send(text: string, target: Target, id: string): void {
    this.#parts.send(text, target, () => {
      if (!this.#closed) this.run(this.#parts.element.transportError(id, this.#parts.clock.now()));
    });
  }

  /** The timer is moved only when something is due earlier: one that fires too early does nothing and arms the next. */
  #arm(): void {
    const next = this.#parts.element.nextDeadline();
    if (next === undefined || next >= this.#armedFor) return;
    this.#armedFor = next;
    this.#alarm.set(next);
  }

  /** Nobody stands behind a timer who would catch a defect, as the network does for what comes in: it would end the process. */
  #fire(): void {
    const { element, clock, log } = this.#parts;
    this.#armedFor = Number.POSITIVE_INFINITY;
    try {
      this.run(element.expire(clock.now()));
    } catch (error) {
      log.error('defect in a timer', { error: traceOf(error) });
      this.#armedFor = clock.now() + AFTER_DEFECT;
      this.#alarm.set(this.#armedFor);
    }
  }
}

/** What the outbox has to say, in the log. */
export function logOutbox(log: Log, event: OutboxEvent): void {
  switch (event.type) {
    case 'failed': {
      const { reason, status, detail } = event.failure;
      const fields = { reason, status, detail, attempt: event.attempt, pause: event.pause };
      if (reason === 'unauthorized' || reason === 'misdirected') log.error('the Worker refuses the updates', fields);
      else log.warn('the Worker could not be told', fields);
      return;
    }
    case 'rejected':
      log.error('the Worker rejected an update', {
        user: event.user,
        status: event.status,
        field: event.field,
        reason: event.reason,
      });
      return;
    case 'gap':
      log.warn('the Worker misses an update', { user: event.user });
      return;
    case 'coalesced':
      log.warn('too many updates wait: a snapshot stands for several', { user: event.user, updates: event.updates });
      return;
    case 'overflow':
      log.error('too many users: an update was not kept', { user: event.user });
      return;
    case 'superseded':
      log.error('another shim reports under the name of this site, or its clock went back', { epoch: event.epoch });
      return;
  }
}

/** How the site stands at the Worker, in the log, whenever that changes. */
export function logStanding(log: Log, standing: LeaseAnswer['state']): void {
  if (standing === 'held') log.info('the Worker counts this site as in touch');
  else if (standing === 'reconcile') log.info('the Worker is to be compared with what is held here');
  else log.error('a later shim of this name was heard by the Worker');
}
