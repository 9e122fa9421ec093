import { type CallReport, LIMITS, type SnapshotUpdate } from '#protocol';
import { type Call, type CallEvent, heldOf, type Leg } from '../dialog/call.ts';
import type { Calls } from '../dialog/calls.ts';
import { mirroredMedia } from '../dialog/sdp.ts';
import type { Report } from '../outbox/types.ts';
import type { BindingChange } from '../registrar/binding.ts';
import type { Location } from '../registrar/location.ts';
import { utf8 } from '../sip/index.ts';
import { identityOf } from './identity.ts';
import { terminalReport } from './terminal.ts';

export interface ReporterSettings {
  /** Who ends a binding whose time is over: this process (`shim`), or the Worker too (`server`); FIG. 7. */
  readonly expiry: 'shim' | 'server';
  /** The Worker is told to give a call up so long after this process would, ms, so that the better informed speaks first. */
  readonly callGrace: number;
}

/**
 * FIG. 2's presence information update unit: turns what happened to bindings and calls into what the Worker is told, for the users
 * whose terminals are registered here, and for nobody else.
 */
export class Reporter {
  /** Times that a call was not told of because its user has as many as the wire contract allows. */
  untold = 0;
  readonly #location: Location;
  readonly #calls: Calls;
  readonly #settings: ReporterSettings;

  constructor(location: Location, calls: Calls, settings: ReporterSettings) {
    this.#location = location;
    this.#calls = calls;
    this.#settings = settings;
  }

  /** FIG. 7: first registrations and ends are told; a refresh only where the Worker keeps expiry too. */
  bindings(changes: readonly BindingChange[], now: number): Report[] {
    const { expiry } = this.#settings;
    return changes.flatMap((change): Report[] => {
      const { aor: user } = change.binding;
      if (change.type === 'removed') {
        return [{ user, at: now, status: 'offline', contact: utf8(change.binding.contact), reason: change.reason }];
      }
      if (change.type === 'refreshed' && expiry === 'shim') return [];
      return [{ user, at: now, status: 'online', terminal: terminalReport(change.binding, expiry) }];
    });
  }

  /** FIG. 3 to 6: what happened to calls, for each party that is a local user. */
  calls(events: readonly CallEvent[], now: number): Report[] {
    return events.flatMap((event) => event.call.legs.flatMap((leg) => this.#leg(event, leg, now)));
  }

  /** All that is known of a user, as it is told after a gap or a restart. */
  snapshot(user: string, now: number): Pick<SnapshotUpdate, 'terminals' | 'calls'> {
    const terminals = this.#location.lookup(user, now).map((binding) => terminalReport(binding, this.#settings.expiry));
    const calls: CallReport[] = [];
    for (const call of this.#calls.ofUser(user)) {
      for (const leg of call.legs) if (leg.user === user && leg.told !== '') calls.push(this.#report(call, leg));
    }
    return { terminals, calls };
  }

  /** Everybody of whom anything is known: they are told anew after a restart. */
  *users(): Iterable<string> {
    yield* this.#location.users();
    for (const user of this.#calls.users()) if (this.#location.get(user).length === 0) yield user;
  }

  #leg(event: CallEvent, leg: Leg, now: number): Report[] {
    const { type, call, at } = event;
    const { user } = leg;
    if (type === 'ended') {
      if (leg.told === '') return [];
      leg.told = '';
      return [{ user, at, status: 'idle', call: leg.id, reason: event.reason ?? { cause: 'lost' } }];
    }
    // FIG. 2: "the presence information update unit 15 sends an inquiry to the terminal location management unit 12 to check if the user
    // or the terminal that has established the session is connected to this server." Who was once told of in a call stays so to its end:
    // a registration that expires in mid-call is FIG. 8's affair.
    if (leg.told === '' && (type === 'terminating' || !this.#location.has(user, now))) return [];
    if (type === 'alive' || type === 'changed') {
      if (leg.told === '' || (type === 'changed' && leg.told !== 'talking')) return [];
      return [{ user, at, status: leg.told === 'talking' ? 'talking' : 'early', call: this.#report(call, leg) }];
    }
    if (leg.told === '' && this.#isFull(user)) {
      this.untold += 1;
      return [];
    }
    leg.told = type;
    const report = this.#report(call, leg);
    return [{ user, at, status: type, call: report, ...(event.reason ? { reason: event.reason } : {}) }];
  }

  /** Is the user told to be in so many calls that the Worker takes no further one. What is beyond is relayed all the same. */
  #isFull(user: string): boolean {
    let told = 0;
    for (const { legs } of this.#calls.ofUser(user)) {
      for (const leg of legs) if (leg.user === user && leg.told !== '') told += 1;
      if (told >= LIMITS.calls) return true;
    }
    return false;
  }

  #report(call: Call, leg: Leg): CallReport {
    const state = leg.told === 'talking' ? 'confirmed' : leg.told === 'terminating' ? 'terminating' : 'early';
    return {
      id: leg.id,
      callId: identityOf(call.callId),
      direction: leg.direction,
      state,
      held: heldOf(call),
      peer: leg.peer,
      media: leg.direction === 'incoming' ? call.media : mirroredMedia(call.media),
      session: call.session,
      startedAt: call.startedAt,
      answeredAt: call.answeredAt,
      deadline: call.deadline + this.#settings.callGrace,
    };
  }
}
