import { Deadlines } from '../deadlines.ts';
import type { Call } from './call.ts';

/** The live calls, by key, by Call-ID and by user, with one deadline each. */
export class Calls {
  readonly #byKey = new Map<string, Call>();
  readonly #byCallId = new Map<string, Call[]>();
  readonly #byUser = new Map<string, Set<Call>>();
  readonly #deadlines = new Deadlines<string>();

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): Call | undefined {
    return this.#byKey.get(key);
  }

  /** The calls with that Call-ID: one, but for forks that went wrong and for those who reuse Call-IDs. */
  withCallId(callId: string): readonly Call[] {
    return this.#byCallId.get(callId) ?? [];
  }

  /** The calls in which that user has a leg. */
  ofUser(user: string): Iterable<Call> {
    return this.#byUser.get(user) ?? [];
  }

  /** Users who have a leg in a live call. */
  users(): Iterable<string> {
    return this.#byUser.keys();
  }

  add(call: Call): void {
    this.#byKey.set(call.key, call);
    const same = this.#byCallId.get(call.callId);
    if (same) same.push(call);
    else this.#byCallId.set(call.callId, [call]);
    for (const { user } of call.legs) {
      const calls = this.#byUser.get(user);
      if (calls) calls.add(call);
      else this.#byUser.set(user, new Set([call]));
    }
    this.#deadlines.set(call.key, call.deadline);
  }

  delete(call: Call): void {
    if (!this.#byKey.delete(call.key)) return;
    this.#deadlines.clear(call.key);
    const others = this.withCallId(call.callId).filter((c) => c !== call);
    if (others.length > 0) this.#byCallId.set(call.callId, others);
    else this.#byCallId.delete(call.callId);
    for (const { user } of call.legs) {
      const calls = this.#byUser.get(user);
      calls?.delete(call);
      if (calls?.size === 0) this.#byUser.delete(user);
    }
  }

  /** What was told of the call holds until `toldDeadline`: where that is earlier, the call is among the `expired` then, to be told anew. */
  setDeadline(call: Call, at: number): void {
    call.deadline = at;
    const { toldDeadline } = call;
    this.#deadlines.set(call.key, toldDeadline > 0 && toldDeadline < at ? toldDeadline : at);
  }

  nextDeadline(): number | undefined {
    return this.#deadlines.next();
  }

  /** The calls whose deadline, or the one that was told, has passed. They stay until they are deleted or get a later deadline. */
  expired(now: number): Call[] {
    return this.#deadlines.expired(now).flatMap((key) => this.#byKey.get(key) ?? []);
  }
}
