import { type CallReport, LIMITS, type TerminalReport, type Update } from '../protocol/index.ts';
import { PRESENCE_LIMITS } from './limits.ts';
import type { SiteRecord } from './record.ts';

/** What a site holds of the user, once an update is taken in; or the field of the update that cannot be taken. */
export type Taken =
  | { readonly ok: true; readonly terminals: readonly TerminalReport[]; readonly calls: readonly CallReport[] }
  | { readonly ok: false; readonly field: string; readonly reason: string };

/** What a site holds of the user. */
export type Live = Pick<SiteRecord, 'terminals' | 'calls'>;

/** Takes what an update says into what its site holds. Pure bookkeeping: what follows from it is the consistency check's business. */
export function take(live: Live, update: Update, now: number): Taken {
  const { terminals, calls } = live;
  switch (update.status) {
    case 'online':
      return takeTerminal(live, update.terminal, now);
    case 'offline':
      return { ok: true, terminals: terminals.filter(({ contact }) => contact !== update.contact), calls };
    case 'early':
    case 'talking':
    case 'terminating':
      return takeCall(live, update.call, now);
    case 'idle':
      return { ok: true, terminals, calls: calls.filter(({ id }) => id !== update.call) };
    case 'snapshot':
      return takeSnapshot(live, update.terminals, update.calls, now);
  }
}

function takeTerminal({ terminals, calls }: Live, reported: TerminalReport, now: number): Taken {
  const known = terminals.find(({ contact }) => contact === reported.contact);
  if (known === undefined && terminals.length >= LIMITS.terminals) {
    return { ok: false, field: 'terminal', reason: `more than ${LIMITS.terminals} terminals of one user at one site` };
  }
  const expires = reported.expires === null ? null : Math.min(reported.expires, now + PRESENCE_LIMITS.terminalExpiry);
  const terminal = { ...reported, since: keep(known?.since, reported.since), expires };
  return { ok: true, terminals: put(terminals, known, terminal), calls };
}

function takeCall({ terminals, calls }: Live, reported: CallReport, now: number): Taken {
  const known = calls.find(({ id }) => id === reported.id);
  if (known === undefined && calls.length >= LIMITS.calls) {
    return { ok: false, field: 'call', reason: `more than ${LIMITS.calls} calls of one user at one site` };
  }
  const call = {
    ...reported,
    startedAt: keep(known?.startedAt, reported.startedAt),
    answeredAt: reported.answeredAt === null ? null : keep(known?.answeredAt ?? undefined, reported.answeredAt),
    deadline: Math.min(reported.deadline, now + PRESENCE_LIMITS.callDeadline),
  };
  return { ok: true, terminals, calls: put(calls, known, call) };
}

function takeSnapshot(live: Live, terminals: readonly TerminalReport[], calls: readonly CallReport[], now: number): Taken {
  let held: Live = {
    terminals: live.terminals.filter(({ contact }) => terminals.some((reported) => reported.contact === contact)),
    calls: live.calls.filter(({ id }) => calls.some((reported) => reported.id === id)),
  };
  for (const terminal of terminals) {
    const taken = takeTerminal(held, terminal, now);
    if (!taken.ok) return { ...taken, field: 'terminals' };
    held = taken;
  }
  for (const call of calls) {
    const taken = takeCall(held, call, now);
    if (!taken.ok) return { ...taken, field: 'calls' };
    held = taken;
  }
  return { ok: true, ...held };
}

/** A shifted time moves by some ms with every batch, although nothing has moved: what is known stays where it is close enough. */
function keep(known: number | undefined, reported: number): number {
  return known !== undefined && Math.abs(known - reported) <= PRESENCE_LIMITS.clockTolerance ? known : reported;
}

function put<T>(list: readonly T[], known: T | undefined, item: T): readonly T[] {
  return known === undefined ? [...list, item] : list.map((other) => (other === known ? item : other));
}
