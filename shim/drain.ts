import type { ShimSettings } from './config.ts';
import type { Element } from './core/element/element.ts';
import type { SiteLease } from './core/lease/lease.ts';
import type { Outbox } from './core/outbox/outbox.ts';
import type { Outcome } from './core/outbox/types.ts';
import type { Clock } from './io/clock.ts';

/** An update that is to be sent no sooner than in so long waits since something failed: the end does not wait for it, ms. */
const PATIENCE = 1000;
/** The last word to the Worker is waited for so long at most, ms. */
const LAST_WORD = 2000;

/** Looked so often whether there is nothing left, ms. */
const EVERY = 20;

/** What may still be under way when the shim is to end. */
export interface UnderWay {
  /** Requests that have not been finally answered. */
  unanswered(): number;
  /** Is the Worker being told something, without trouble so far. */
  telling(): boolean;
}

/**
 * Resolves when every request is answered and the Worker is told all, after `timeout` ms at the latest. A Worker that cannot be reached is
 * not waited for: what it has not been told is on disk.
 */
export function drained(parts: UnderWay, timeout: number): Promise<void> {
  const end = performance.now() + timeout;
  return new Promise((resolve) => {
    const look = () => {
      if ((parts.unanswered() === 0 && !parts.telling()) || performance.now() >= end) resolve();
      else setTimeout(look, EVERY);
    };
    look();
  });
}

/** What is brought to its end. */
export interface Draining {
  readonly element: Element;
  readonly outbox: Outbox;
  readonly lease: SiteLease;
  readonly clock: Clock;
  /** Writes what the outbox says. */
  readonly tell: (outcome: Outcome) => void;
  /** There is something to send. */
  readonly poke: () => void;
}

/**
 * The planned end: no new calls; what is under way is settled, and the Worker told, within `drainTimeout`. Where the site is to leave, it then tells the
 * end of all that it told. The last word says what became of it, so that the Worker knows a planned end from a silence.
 */
export async function drain(
  { element, outbox, lease, clock, tell, poke }: Draining,
  { drainTimeout, onStop }: Pick<ShimSettings, 'drainTimeout' | 'onStop'>,
): Promise<void> {
  const end = performance.now() + drainTimeout;
  const left = () => Math.max(0, end - performance.now());
  const failures = outbox.counters.failures;
  const well = () => outbox.counters.failures === failures && (outbox.nextDeadline() ?? 0) < clock.now() + PATIENCE;
  const telling = () => outbox.pending > 0 && well();
  element.drain();
  await drained({ unanswered: () => element.table.unanswered, telling }, left());
  if (onStop === 'leave') {
    tell(outbox.leave(element.presence.reporter.users(), clock.now()));
    poke();
    await drained({ unanswered: () => 0, telling }, left());
  }
  if (outbox.counters.failures > failures) return;
  lease.stop(onStop === 'leave' && outbox.pending === 0 ? 'leave' : 'stay');
  poke();
  await drained({ unanswered: () => 0, telling: () => lease.isStopping }, Math.min(left(), LAST_WORD));
}
