import {
  applyDeadlines,
  applyUpdate,
  type Change,
  compose,
  emptyRecord,
  type PresenceRecord,
} from '../../../worker/presence/index.ts';
import type { PresenceDocument, Update, Verdict } from '../../../worker/protocol/index.ts';
import { Stream, type Word, words } from './site.ts';

export const T0 = Date.parse('2026-11-22T10:00:00.000Z');
export const USER = 'sip:alice@example.com';

/** One user and the sites that report them, on a clock that the test moves. */
export class SimulatedUser {
  now = T0;
  record: PresenceRecord = emptyRecord(USER);
  readonly changes: Change[] = [];
  readonly say = words(() => this.now);
  readonly #streams = new Map<string, Stream>();

  /** Applies what a site says next, in its unbroken stream. */
  tell(word: Word, site = 'site-a'): Verdict {
    return this.apply(this.stream(site).next(word), site);
  }

  apply(update: Update, site = 'site-a'): Verdict {
    const step = applyUpdate(this.record, site, update, this.now);
    this.record = step.record;
    if (step.change !== undefined) this.changes.push(step.change);
    return step.verdict;
  }

  /** Lets time pass, and what has its deadline by then end. */
  wait(ms: number): Change[] {
    this.now += ms;
    const step = applyDeadlines(this.record, this.now);
    this.record = step.record;
    this.changes.push(...step.changes);
    return [...step.changes];
  }

  stream(site: string): Stream {
    const known = this.#streams.get(site) ?? new Stream(USER, () => this.now);
    this.#streams.set(site, known);
    return known;
  }

  get document(): PresenceDocument {
    const document = compose(this.record);
    if (document === undefined) throw new Error('never seen');
    return document;
  }

  /** `terminalStatus/callStatus`, as FIG. 8 has them. */
  get state(): string {
    return `${this.document.terminalStatus}/${this.document.callStatus}`;
  }
}
