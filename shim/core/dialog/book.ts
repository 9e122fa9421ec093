import type { EndReason } from '#protocol';
import { type Call, type CallEvent, phaseOf } from './call.ts';
import { Calls } from './calls.ts';
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

  constructor(settings: TrackerSettings) {
    this.settings = settings;
  }

  /** Something was heard of the call: it may live for another `cap`. That is told when the deadline last told is half used up. */
  alive(call: Call, cap: number, now: number): CallEvent[] {
    this.calls.setDeadline(call, now + cap);
    if (call.deadline - call.toldDeadline <= cap / 2) return [];
    this.changed.add(call);
    return [tell({ type: 'alive', call, at: now })];
  }

  /** A call all of whose dialogs are being ended has only the time of its BYE left. */
  shorten(call: Call, now: number): void {
    if (call.dialogs.every(([, state]) => state === 'closing' || state === 'terminating')) {
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
