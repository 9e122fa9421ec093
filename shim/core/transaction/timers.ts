import type { TimerName } from './machine.ts';
import type { TransactionSettings } from './types.ts';

/** RFC 3261 table 4: the life of a transaction, 64*T1. */
export const transactionLife = (settings: TransactionSettings): number => 64 * settings.t1;

/**
 * How long a timer runs when it is started, ms (RFC 3261 table 4, RFC 6026 table 1). Undefined: it does not run on this transport.
 * Zero: it fires with the next `expire`.
 */
export function duration(
  timer: TimerName,
  settings: TransactionSettings,
  reliable: boolean,
  invite: boolean,
): number | undefined {
  const life = transactionLife(settings);
  switch (timer) {
    // 17.1.1.2: "If a reliable transport is being used, the client transaction SHOULD NOT start timer A (Timer A controls request
    // retransmissions)." The same holds of E (17.1.2.2) and G (17.2.1).
    case 'timer A':
    case 'timer E':
    case 'timer G':
      return reliable ? undefined : settings.t1;
    // "a value of zero seconds for reliable transports"
    case 'timer D':
      return reliable ? 0 : settings.timerD;
    case 'timer I':
    case 'timer K':
      return reliable ? 0 : settings.t4;
    case 'timer J':
      return reliable ? 0 : life;
    // RFC 6026 table 1: L and M are 64*T1 on every transport.
    case 'timer L':
    case 'timer M':
    case 'timer B':
    case 'timer F':
    case 'timer H':
    case 'timer cancel':
      return life;
    case 'timer C':
      return settings.timerC;
    case 'timer 100':
      return invite ? settings.trying : timeToT2(settings);
    // A non-INVITE client has given up by then (F), and its last retransmission has died out in the network: it would otherwise begin
    // a second transaction. For an INVITE the TU has timer C and a CANCEL's time to answer in; a response restarts the guard.
    case 'timer guard':
      return invite ? settings.timerC + 2 * life : life + settings.t4;
  }
}

/** The interval after one of `interval` ms; undefined for a timer that fires once. */
export function nextInterval(
  timer: TimerName,
  state: string,
  interval: number,
  settings: TransactionSettings,
): number | undefined {
  switch (timer) {
    // 17.1.1.2: "the request MUST be retransmitted with intervals that double after each transmission"; B ends it, no cap.
    case 'timer A':
      return 2 * interval;
    // 17.1.2.2: "MIN(2*T1, T2)", and T2 at once in Proceeding.
    case 'timer E':
      return state === 'proceeding' ? settings.t2 : Math.min(2 * interval, settings.t2);
    // 17.2.1: "the value of timer G is reset to MIN(2*T1, T2)"
    case 'timer G':
      return Math.min(2 * interval, settings.t2);
    default:
      return undefined;
  }
}

/** RFC 4320 4.1: how long a client's timer E runs until it is reset to T2. With the default T1 and T2: 3.5 s. */
export function timeToT2(settings: TransactionSettings): number {
  let elapsed = 0;
  for (let interval = settings.t1; interval < settings.t2; interval *= 2) elapsed += interval;
  return elapsed;
}
