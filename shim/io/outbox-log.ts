import type { OutboxEvent } from '../core/outbox/types.ts';
import type { Log, LogFields, LogLevel } from '../log.ts';
import { type Alarm, type Clock, createAlarm } from './clock.ts';

/** Lines about single users are counted over so long, ms. */
export const BURST_WINDOW = 10_000;

/** A line about one user's updates: a fault may befall thousands of users at once. */
interface Line {
  readonly level: Exclude<LogLevel, 'debug'>;
  readonly message: string;
  readonly fields: LogFields;
}

/**
 * What the outbox has to say, in the log. Of each kind of line about a single user no more than some are written in a stretch of time, and at its end
 * one that tells how many more there were: a site that has lost its disk misses an update of each of its users, and that is one event.
 */
export class OutboxLog {
  /** So many lines of one kind are written within `BURST_WINDOW`. */
  burst: number;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #alarm: Alarm;
  readonly #counts = new Map<string, { readonly level: Line['level']; written: number; left: number }>();

  constructor(log: Log, clock: Clock, burst: number) {
    this.burst = burst;
    this.#log = log;
    this.#clock = clock;
    this.#alarm = createAlarm(clock, () => this.#end());
  }

  tell(event: OutboxEvent): void {
    switch (event.type) {
      case 'failed': {
        const { reason, status, detail } = event.failure;
        const fields = { reason, status, detail, attempt: event.attempt, pause: event.pause };
        if (reason === 'unauthorized' || reason === 'misdirected') this.#log.error('the Worker refuses the updates', fields);
        else this.#log.warn('the Worker could not be told', fields);
        return;
      }
      case 'superseded':
        this.#log.error('another shim reports under the name of this site, or its clock went back', { epoch: event.epoch });
        return;
      case 'rejected': {
        const { user, status, field, reason } = event;
        this.#line({ level: 'error', message: 'the Worker rejected an update', fields: { user, status, field, reason } });
        return;
      }
      case 'gap':
        this.#line({ level: 'warn', message: 'the Worker misses an update', fields: { user: event.user } });
        return;
      case 'coalesced': {
        const { user, updates } = event;
        this.#line({ level: 'warn', message: 'too many updates wait: a snapshot stands for several', fields: { user, updates } });
        return;
      }
      case 'overflow':
        this.#line({ level: 'error', message: 'too many users: an update was not kept', fields: { user: event.user } });
        return;
    }
  }

  /** Tells what was left out. */
  close(): void {
    this.#alarm.close();
    this.#end();
  }

  #line({ level, message, fields }: Line): void {
    if (this.#counts.size === 0) this.#alarm.set(this.#clock.now() + BURST_WINDOW);
    const count = this.#counts.get(message) ?? { level, written: 0, left: 0 };
    this.#counts.set(message, count);
    if (count.written >= this.burst) {
      count.left += 1;
      return;
    }
    count.written += 1;
    this.#log[level](message, fields);
  }

  #end(): void {
    for (const [message, { level, left }] of this.#counts) {
      if (left > 0) this.#log[level]('more lines of this kind were left out', { kind: message, lines: left });
    }
    this.#counts.clear();
  }
}
