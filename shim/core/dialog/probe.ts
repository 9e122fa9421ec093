import { Deadlines } from '../deadlines.ts';
import { type Call, detailOf, type Side } from './call.ts';

/** How calls without a session timer are asked whether they live. Times in ms. */
export interface ProbeSettings {
  /** A call of which nothing is heard for so long is asked. */
  readonly interval: number;
  /** So many questions in a row must fail at one side before the call counts as over there; 2 or more. */
  readonly tries: number;
  /** Pause between a question that failed and the next. */
  readonly retry: number;
  /** Questions under way at once. */
  readonly underWay: number;
}

/** One question: an OPTIONS within that dialog, toward that side. */
export interface Probe {
  readonly call: Call;
  readonly tag: string;
  readonly side: Side;
}

/**
 * What came of a question. `alive`: 2xx, that side has the dialog. `there`: another answer, which shows neither that it has the dialog nor that
 * it has not. `gone`: 481, 408, or nothing.
 */
export type Finding = 'alive' | 'there' | 'gone';

/** A call that is being asked. */
interface Round {
  readonly failed: Record<Side, number>;
  readonly alive: Record<Side, boolean>;
  open: number;
}

/** Calls that wait while as many questions are under way as may be look again after so long, ms. */
const LOOK_AGAIN = 1000;

const SIDES: readonly Side[] = ['caller', 'callee'];

/** When which call is asked. What is under way is not kept over a restart: every call taken up is asked within one interval. */
export class ProbePlan {
  readonly #settings: ProbeSettings;
  readonly #due = new Deadlines<Call>();
  readonly #rounds = new Map<Call, Round>();
  #underWay = 0;

  constructor(settings: ProbeSettings) {
    this.#settings = settings;
  }

  /** Calls that are asked now or later. */
  get size(): number {
    return this.#due.size + this.#rounds.size;
  }

  /** The call was heard of: it is asked an interval from now, or a little before, so that calls that began together are not asked together. */
  plan(call: Call, now: number): void {
    const round = this.#rounds.get(call);
    if (round && round.open > 0) {
      round.failed.caller = round.failed.callee = 0;
      return;
    }
    this.#rounds.delete(call);
    this.#due.set(call, now + Math.ceil(this.#settings.interval * (0.9 + 0.1 * spread(call.key))));
  }

  /** The call may be over: it is asked at once, unless it is being asked. */
  askNow(call: Call, now: number): void {
    if ((this.#rounds.get(call)?.open ?? 0) === 0) this.#due.set(call, now);
  }

  /** After a restart, when all are due at once. */
  planRestored(call: Call, now: number): void {
    this.#due.set(call, now + Math.ceil(this.#settings.interval * spread(call.key)));
  }

  drop(call: Call): void {
    this.#due.clear(call);
    this.#rounds.delete(call);
  }

  nextDeadline(): number | undefined {
    return this.#due.next();
  }

  /** The questions that are due. Each must be answered by `found`. */
  take(now: number): Probe[] {
    const probes: Probe[] = [];
    for (const call of this.#due.expired(now)) {
      const tag = call.dialogs.find(([, state]) => state === 'confirmed')?.[0];
      const detail = tag === undefined ? undefined : detailOf(call, tag);
      if (tag === undefined || !detail?.route || !detail.caller || !detail.callee) continue;
      // RFC 4028: where a session timer runs that is shorter than the hard cap, it says when the call is over.
      if (detail.expiresAt !== undefined && detail.expiresAt <= call.deadline) continue;
      if (this.#underWay + SIDES.length > this.#settings.underWay) {
        this.#due.set(call, now + LOOK_AGAIN);
        continue;
      }
      const before = this.#rounds.get(call);
      const failed = before?.failed ?? { caller: 0, callee: 0 };
      // Whoever has answered is not asked again for the other's sake.
      const asked = SIDES.filter((side) => before === undefined || failed[side] > 0);
      this.#rounds.set(call, { failed, alive: before?.alive ?? { caller: false, callee: false }, open: asked.length });
      this.#underWay += asked.length;
      for (const side of asked) probes.push({ call, tag, side });
    }
    return probes;
  }

  /** What came of a question: the side that is gone, where it now counts as such; `alive` where both have said that they have the dialog. */
  found({ call, side }: Probe, finding: Finding, now: number): Side | 'alive' | undefined {
    this.#underWay -= 1;
    const round = this.#rounds.get(call);
    if (round === undefined) return undefined;
    round.open -= 1;
    round.failed[side] = finding === 'gone' ? round.failed[side] + 1 : 0;
    round.alive[side] = finding === 'alive';
    if (round.failed[side] >= this.#settings.tries) return side;
    if (round.open > 0) return undefined;
    if (SIDES.some((one) => round.failed[one] > 0)) {
      this.#due.set(call, now + this.#settings.retry);
      return undefined;
    }
    this.plan(call, now);
    return round.alive.caller && round.alive.callee ? 'alive' : undefined;
  }
}

/** A number from 0 to 1 that differs from call to call and is the same in each process. */
function spread(key: string): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) >>> 0;
  return (hash % 1009) / 1008;
}
