import type { EndReason } from '#protocol';
import { callId, from, type Message, to } from '../sip/index.ts';
import { type Call, type CallEvent, detailOf, phaseOf } from './call.ts';
import { Calls } from './calls.ts';
import { ProbePlan } from './probe.ts';
import type { TrackerSettings } from './settings.ts';

/** What the parts of the tracker share: the live calls, which of them have changed, and how an end or a new phase is told. */
export class CallBook {
  readonly calls = new Calls();
  readonly settings: TrackerSettings;
  /** Calls that have changed in a way that must survive the process. */
  readonly changed = new Set<Call>();
  /** Keys of the calls that were taken up from disk. */
  readonly restored = new Set<string>();
  /** Calls not followed since `maxDialogs` was reached. */
  untracked = 0;
  readonly probes: ProbePlan | undefined;

  constructor(settings: TrackerSettings) {
    this.settings = settings;
    this.probes = settings.probe && new ProbePlan(settings.probe);
  }

  /** The calls of that INVITE, whichever side the message is from. */
  of(m: Message): readonly Call[] {
    const same = this.calls.withCallId(callId(m));
    if (same.length === 0) return same;
    const [a, b] = [from(m)?.tag, to(m)?.tag];
    return same.filter((call) => call.fromTag === a || call.fromTag === b);
  }

  /** Something was heard of a call that rings: it may do so for another `earlyCap`. */
  rings(call: Call, now: number): CallEvent[] {
    return this.#prolong(call, now + this.settings.earlyCap, now);
  }

  /** Something was heard of a call that is up. */
  alive(call: Call, now: number): CallEvent[] {
    this.probes?.plan(call, now);
    return this.#prolong(call, this.lifeOf(call, now), now);
  }

  /**
   * Until when a call that is up counts as such if nothing more is heard of it. RFC 4028 10: a session that is not refreshed by its expiry is
   * over; the last to be so counts. Without a timer, or with one that is longer: the hard cap.
   */
  lifeOf(call: Call, now: number): number {
    const cap = now + this.settings.dialogCap;
    let last = 0;
    for (const [tag, state] of call.dialogs) {
      if (state !== 'confirmed') continue;
      last = Math.max(last, detailOf(call, tag)?.expiresAt ?? cap);
    }
    return last === 0 ? cap : Math.min(last, cap);
  }

  /** A deadline that moves is told when a quarter of what it grants is used up. */
  #prolong(call: Call, until: number, now: number): CallEvent[] {
    this.calls.setDeadline(call, until);
    if (call.deadline - call.toldDeadline <= (until - now) / 4) return [];
    this.changed.add(call);
    return [tell({ type: 'alive', call, at: now })];
  }

  /** A call all of whose dialogs are being ended has only the time of its BYE left. */
  shorten(call: Call, now: number): void {
    if (call.dialogs.every(([, state]) => state !== 'answered' && state !== 'confirmed')) {
      this.calls.setDeadline(call, now + this.settings.byeCap);
    }
  }

  /** Tells the phase that the dialogs add up to, where it is a new one. It never goes back. */
  settle(call: Call, reason: EndReason | undefined, now: number): CallEvent[] {
    this.changed.add(call);
    const phase = phaseOf(call);
    if (phase === undefined || phase === call.phase || (call.phase === 'terminating' && phase !== 'talking')) return [];
    call.phase = phase;
    if (phase !== 'talking' && phase !== 'terminating') return [];
    return [tell({ type: phase, call, at: now, ...(reason ? { reason } : {}) })];
  }

  /** FIG. 5, 6, 8: a call that was talking is told as terminating before it is forgotten. */
  end(call: Call, reason: EndReason, now: number): CallEvent[] {
    this.calls.delete(call);
    this.restored.delete(call.key);
    this.probes?.drop(call);
    this.changed.add(call);
    const events: CallEvent[] = [];
    if (call.phase === 'talking') {
      call.phase = 'terminating';
      events.push({ type: 'terminating', call, at: now, reason });
    }
    return [...events, { type: 'ended', call, at: now, reason }];
  }
}

/** What is told of a call carries its deadline. */
export function tell(event: CallEvent): CallEvent {
  event.call.toldDeadline = event.call.deadline;
  return event;
}
