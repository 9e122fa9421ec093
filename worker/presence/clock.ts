import type { CallReport, TerminalReport, Update } from '../protocol/index.ts';
import { PRESENCE_LIMITS } from './limits.ts';

/** The end of the year 9999, ms since 1970: the last time that RFC 3339 can write. */
export const LAST_TIME = 253_402_300_799_999;

/**
 * By how much a site's times have to be shifted to be ours, ms: the difference of the clocks, or 0 where it is within the
 * tolerance (a request takes some time on its way).
 */
export function clockShift(sentAt: number, now: number): number {
  const difference = now - sentAt;
  return Math.abs(difference) > PRESENCE_LIMITS.clockTolerance ? difference : 0;
}

/** A time as RFC 3339 in UTC, with milliseconds. */
export function timestamp(time: number): string {
  return new Date(time).toISOString();
}

/** The update with all its times shifted by `shift` ms. `epoch` is an identity, not a time, and stays. */
export function shiftTimes(update: Update, shift: number): Update {
  if (shift === 0) return update;
  const at = move(update.at, shift);
  switch (update.status) {
    case 'online':
      return { ...update, at, terminal: shiftTerminal(update.terminal, shift) };
    case 'early':
    case 'talking':
    case 'terminating':
      return { ...update, at, call: shiftCall(update.call, shift) };
    case 'snapshot':
      return {
        ...update,
        at,
        terminals: update.terminals.map((terminal) => shiftTerminal(terminal, shift)),
        calls: update.calls.map((call) => shiftCall(call, shift)),
      };
    case 'offline':
    case 'idle':
      return { ...update, at };
  }
}

function shiftTerminal(terminal: TerminalReport, shift: number): TerminalReport {
  const expires = terminal.expires === null ? null : move(terminal.expires, shift);
  return { ...terminal, since: move(terminal.since, shift), expires };
}

function shiftCall(call: CallReport, shift: number): CallReport {
  const answeredAt = call.answeredAt === null ? null : move(call.answeredAt, shift);
  return { ...call, startedAt: move(call.startedAt, shift), answeredAt, deadline: move(call.deadline, shift) };
}

function move(time: number, shift: number): number {
  return Math.min(LAST_TIME, Math.max(0, time + shift));
}
