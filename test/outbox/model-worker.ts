import type { CallReport, Update, Verdict } from '#protocol';

/** What one user looks like: contacts that are on-line, calls with their state. */
export interface Picture {
  readonly terminals: Set<string>;
  readonly calls: Map<string, CallReport['state']>;
}

export const emptyPicture = (): Picture => ({ terminals: new Set(), calls: new Map() });

/** FIG. 3 to 7 in their plainest form: what an update makes of a picture. */
export function applyTo(picture: Picture, update: Omit<Update, 'epoch' | 'sequence' | 'previous'> | Update): void {
  const u = update as Update;
  if (u.status === 'online') picture.terminals.add(u.terminal.contact);
  else if (u.status === 'offline') picture.terminals.delete(u.contact);
  else if (u.status === 'idle') picture.calls.delete(u.call);
  else if (u.status === 'snapshot') {
    picture.terminals.clear();
    picture.calls.clear();
    for (const terminal of u.terminals) picture.terminals.add(terminal.contact);
    for (const call of u.calls) picture.calls.set(call.id, call.state);
  } else picture.calls.set(u.call.id, u.call.state);
}

interface Record {
  picture: Picture;
  last: { epoch: number; sequence: number } | null;
  /** Where the unbroken chain to `last` began. */
  first: number;
}

/** The Worker's rules of verdict (worker/protocol/update.ts), for one site, and a log of every effect. */
export class ModelWorker {
  readonly records = new Map<string, Record>();
  readonly effects: Update[] = [];

  take(updates: readonly Update[], meddle: (update: Update) => 'retry' | 'rejected' | undefined = () => undefined): Verdict[] {
    return updates.map((update): Verdict => {
      const { sequence } = update;
      const record = this.records.get(update.user) ?? { picture: emptyPicture(), last: null, first: 0 };
      const { last, first } = record;
      if (last !== null && (update.epoch < last.epoch || (update.epoch === last.epoch && sequence < first))) {
        return { sequence, verdict: 'stale', last };
      }
      if (last?.epoch === update.epoch && sequence <= last.sequence) return { sequence, verdict: 'duplicate', version: 1 };
      const meddled = meddle(update);
      if (meddled === 'retry') return { sequence, verdict: 'retry', reason: 'busy' };
      if (meddled === 'rejected') return { sequence, verdict: 'rejected', field: 'call', reason: 'no' };
      const chained = last === null ? update.previous === 0 : last.epoch === update.epoch && last.sequence === update.previous;
      if (update.status !== 'snapshot' && !chained) return { sequence, verdict: 'gap', last };
      applyTo(record.picture, update);
      if (!chained || last?.epoch !== update.epoch) record.first = sequence;
      record.last = { epoch: update.epoch, sequence };
      this.records.set(update.user, record);
      this.effects.push(update);
      return { sequence, verdict: 'accepted', version: this.effects.length };
    });
  }
}
