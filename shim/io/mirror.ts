import type { ElementAction } from '../core/element/element.ts';
import type { Effects } from '../core/element/presence.ts';
import type { Mirror } from '../core/mirror/mirror.ts';
import type { Observed } from '../core/mirror/reorder.ts';
import { type Log, traceOf } from '../log.ts';
import { type Clock, createAlarm } from './clock.ts';

/** Pause after a defect, ms: one that comes again at once must not take the whole process. */
const AFTER_DEFECT = 1000;

/** What the mirror works with: the real things, or those of a test. */
export interface MirrorShellParts {
  readonly mirror: Mirror;
  /** Carries out what the mirror leads to, as what the element does. */
  readonly run: (actions: readonly ElementAction[]) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Runs a mirror: shows it what comes, and wakes it when something is due. A defect in it is logged, and ends nothing. */
export class MirrorShell {
  readonly #parts: MirrorShellParts;
  readonly #alarm: ReturnType<typeof createAlarm>;

  constructor(parts: MirrorShellParts) {
    this.#parts = parts;
    this.#alarm = createAlarm(parts.clock, () => this.#step((mirror, now) => mirror.expire(now)));
  }

  observe(observed: Observed): void {
    this.#step((mirror, now) => mirror.observe(observed, now));
  }

  close(): void {
    this.#alarm.close();
  }

  #step(step: (mirror: Mirror, now: number) => Effects): void {
    const { mirror, run, clock, log } = this.#parts;
    let next: number | undefined;
    try {
      const { ops, events } = step(mirror, clock.now());
      const actions: ElementAction[] = events.map((event) => ({ type: 'log', event }));
      run(ops.length > 0 ? [{ type: 'journal', ops }, ...actions] : actions);
    } catch (error) {
      log.error('defect in the mirror', { error: traceOf(error) });
      next = clock.now() + AFTER_DEFECT;
    }
    this.#alarm.set(next ?? mirror.nextDeadline());
  }
}
