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
  /** Has the outbox's words logged. */
  readonly onOutbox: (event: OutboxEvent) => void;
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
    const { journal, log, wake, onOutbox } = this.#parts;
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
        onOutbox(action.event);
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

/** How the site stands at the Worker, in the log, whenever that changes. */
export function logStanding(log: Log, standing: LeaseAnswer['state']): void {
  if (standing === 'held') log.info('the Worker counts this site as in touch');
  else if (standing === 'reconcile') log.info('the Worker is to be compared with what is held here');
  else log.error('a later shim of this name was heard by the Worker');
}
