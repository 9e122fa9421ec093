import type { EndReason } from '#protocol';
import { callId, from, type Message, to } from '../sip/index.ts';
import { type Call, type CallEvent, type Dialog, detailOf, phaseOf } from './call.ts';
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
    for (const dialog of call.details ?? []) if (dialog.goneAt !== undefined) delete dialog.goneAt;
    return this.#prolong(call, this.lifeOf(call, now), now);
  }

  /**
   * RFC 3261 12.2.1.2: "If the response for a request within a dialog is a 481 (Call/Transaction Does Not Exist) or a 408 (Request Timeout), the
   * UAC SHOULD terminate the dialog." By a BYE, which comes or is lost. RFC 5057 5.1: so it is for INVITE and UPDATE; a 481 to a request of
   * another usage ends that usage. A 408 may come from a server on the way, so that it is asked at once where that can be done.
   */
  gone(call: Call, dialog: Dialog, status: number, now: number): void {
    dialog.goneAt = now + this.settings.byeCap;
    this.calls.setDeadline(call, Math.min(call.deadline, this.lifeOf(call, now)));
    if (status === 408) this.probes?.askNow(call, now);
    this.changed.add(call);
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
      const { expiresAt = cap, goneAt = cap } = detailOf(call, tag) ?? {};
      last = Math.max(last, Math.min(expiresAt, goneAt));
    }
    return last === 0 ? cap : Math.min(last, cap);
  }

  /** A deadline that moves is told when a quarter of what it grants is used up, or (`due`) when the one that was told passes. */
  #prolong(call: Call, until: number, now: number): CallEvent[] {
    this.calls.setDeadline(call, until);
    if (Math.abs(call.deadline - call.toldDeadline) <= (until - now) / 4) return [];
    this.changed.add(call);
    return [tell({ type: 'alive', call, at: now })];
  }

  /**
   * The deadline that was told has passed, and the call goes on: whoever was told would end it. A call that is being ended is told of no
   * more: it is over before that.
   */
  due(call: Call, now: number): CallEvent[] {
    const behind = call.toldDeadline < call.deadline && call.phase !== 'terminating';
    const event = tell({ type: 'alive', call, at: now });
    this.calls.setDeadline(call, call.deadline);
    if (!behind) return [];
    this.changed.add(call);
    return [event];
  }

  /**
   * A dialog of the call is ending. A call none of whose dialogs is confirmed has only the time of a BYE left, which is that of an ACK; another
   * has what the dialogs that are left have.
   */
  shorten(call: Call, now: number): void {
    const confirmed = call.dialogs.some(([, state]) => state === 'confirmed');
    this.calls.setDeadline(call, confirmed ? Math.min(call.deadline, this.lifeOf(call, now)) : now + this.settings.byeCap);
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
