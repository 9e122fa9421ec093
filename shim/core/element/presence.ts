import { digestOf } from '#protocol';
import type { Call, CallEvent } from '../dialog/call.ts';
import type { Finding, Probe } from '../dialog/probe.ts';
import { callRecord, parseCallRecord } from '../dialog/record.ts';
import type { Onward, Parties, Way } from '../dialog/tracker.ts';
import { DialogTracker, type TrackerSettings } from '../dialog/tracker.ts';
import { type JournalOp, type JournalState, journalOfBindings } from '../journal.ts';
import type { Holdings } from '../lease/reconciliation.ts';
import { Outbox } from '../outbox/outbox.ts';
import type { OutboxEvent, OutboxSettings, Report } from '../outbox/types.ts';
import type { BindingChange } from '../registrar/binding.ts';
import type { Location } from '../registrar/location.ts';
import { Reporter, type ReporterSettings } from '../report/reporter.ts';
import type { Message } from '../sip/index.ts';

/** What presence leads to: rows on disk, and lines in the log. */
export interface Effects {
  readonly ops: JournalOp[];
  readonly events: OutboxEvent[];
}

export interface PresenceSettings {
  readonly tracker: TrackerSettings;
  readonly reporter: ReporterSettings;
  readonly outbox: OutboxSettings;
}

/**
 * FIG. 2's status management unit and presence information update unit together: tracker, reporter and outbox behind one door. Nothing
 * that goes wrong here may touch a call, so whoever calls it does so after the message has been relayed.
 */
export class Presence {
  readonly tracker: DialogTracker;
  readonly reporter: Reporter;
  readonly outbox: Outbox;
  #now = 0;

  constructor(location: Location, settings: PresenceSettings) {
    this.tracker = new DialogTracker(settings.tracker);
    this.reporter = new Reporter(location, this.tracker.calls, settings.reporter);
    this.outbox = new Outbox(settings.outbox, (user) => this.reporter.snapshot(user, this.#now));
  }

  /** A request was relayed. */
  request(m: Message, parties: () => Parties, now: number, onward?: Onward): Effects {
    return this.#calls(this.tracker.request(m, parties, now, onward), now);
  }

  /** A response was relayed. */
  response(m: Message, now: number, way?: Way): Effects {
    return this.#calls(this.tracker.response(m, now, way), now);
  }

  /** A question whether a call lives has found something. */
  probed(probe: Probe, finding: Finding, now: number): Effects {
    return this.#calls(this.tracker.probed(probe, finding, now), now);
  }

  /** Bindings changed. The rows of the bindings themselves are among the operations. */
  bindings(changes: readonly BindingChange[], now: number): Effects {
    this.#now = now;
    return this.#report(this.reporter.bindings(changes, now), journalOfBindings(changes), now);
  }

  /** Calls whose time is over. */
  expire(now: number): Effects {
    return this.#calls(this.tracker.expire(now), now);
  }

  /** What is held of whom, to be compared with what the Worker has recorded. */
  holdings(clock: () => number): Holdings {
    return {
      users: () => this.reporter.users(),
      digestOf: (user) => {
        const held = this.reporter.snapshot(user, clock());
        return held.terminals.length + held.calls.length > 0 ? digestOf(held) : undefined;
      },
    };
  }

  nextDeadline(): number | undefined {
    return this.tracker.nextDeadline();
  }

  /** Takes up what an earlier process left, and sees to it that everybody known is told anew. Rows that cannot be read are dropped. */
  restore(state: JournalState, now: number): Effects {
    this.#now = now;
    const ops: JournalOp[] = [];
    for (const { key, body } of state.dialogs) {
      const call = parseCallRecord(body);
      if (call === undefined) ops.push({ op: 'dialog-delete', key });
      else this.tracker.restore(call, now);
    }
    const waiting = this.outbox.restore(state.outbox, now);
    this.outbox.reconcile(this.reporter.users());
    return { ops: [...ops, ...waiting.ops], events: waiting.events };
  }

  #calls(events: readonly CallEvent[], now: number): Effects {
    this.#now = now;
    const reports = events.length > 0 ? this.reporter.calls(events, now) : [];
    return this.#report(
      reports,
      this.tracker.takeChanged().map((call) => this.#row(call)),
      now,
    );
  }

  /** A call nobody is told of is not worth a row. */
  #row(call: Call): JournalOp {
    const live = this.tracker.calls.get(call.key) === call && call.legs.some((leg) => leg.told !== '');
    return live ? new CallRow(call) : { op: 'dialog-delete', key: call.key };
  }

  #report(reports: readonly Report[], ops: JournalOp[], now: number): Effects {
    const events: OutboxEvent[] = [];
    for (const report of reports) {
      const outcome = this.outbox.add(report, now);
      ops.push(...outcome.ops);
      events.push(...outcome.events);
    }
    return { ops, events };
  }
}

/** A call is written as it is when it is written: what changes until then costs nothing. */
class CallRow {
  readonly op = 'dialog-put';
  readonly key: string;
  readonly #call: Call;

  constructor(call: Call) {
    this.key = call.key;
    this.#call = call;
  }

  get body(): string {
    return callRecord(this.#call);
  }
}
