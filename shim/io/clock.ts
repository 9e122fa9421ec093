/** The only places of the shim where time is read and waited for. */

export interface Clock {
  /** ms since 1970, never going back while the process lives: a stepped system clock neither expires bindings nor revives them. */
  now(): number;
}

/** A getter that costs more than the time itself. */
const ORIGIN = performance.timeOrigin;

export const systemClock: Clock = {
  now: () => Math.floor(ORIGIN + performance.now()),
};

/** setTimeout takes no more than this, ms (2**31 - 1); a longer wait is taken in parts. */
const LONGEST_WAIT = 2_147_483_647;

/** One timer, set again and again to the earliest deadline of whatever pure code its owner runs. */
export interface Alarm {
  /** Fires at `at` (ms of the clock; undefined: not at all), or with the next turn of the loop where that is past. */
  set(at: number | undefined): void;
  close(): void;
}

/** `fire` may call `set`. An early or doubled wake-up does no harm: the deadlines are asked again. */
export function createAlarm(clock: Clock, fire: () => void): Alarm {
  let timer: NodeJS.Timeout | undefined;
  let armedFor = Number.POSITIVE_INFINITY;
  let closed = false;

  const wake = () => {
    timer = undefined;
    const due = armedFor;
    armedFor = Number.POSITIVE_INFINITY;
    if (clock.now() >= due) fire();
    else set(due);
  };
  const set = (at: number | undefined) => {
    const next = at ?? Number.POSITIVE_INFINITY;
    if (closed || next === armedFor) return;
    clearTimeout(timer);
    timer = undefined;
    armedFor = next;
    if (next === Number.POSITIVE_INFINITY) return;
    timer = setTimeout(wake, Math.min(Math.max(next - clock.now(), 0), LONGEST_WAIT));
  };
  return {
    set,
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  };
}
