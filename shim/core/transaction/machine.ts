/** The vocabulary of the four machines of RFC 3261 17. Each machine is data: a table state x event -> arrow, read by `step`. */

export type TimerName =
  | 'timer A'
  | 'timer B'
  | 'timer C'
  | 'timer D'
  | 'timer E'
  | 'timer F'
  | 'timer G'
  | 'timer H'
  | 'timer I'
  | 'timer J'
  | 'timer K'
  | 'timer L'
  | 'timer M'
  /** Automatic 100: RFC 3261 17.2.1 and RFC 4320 4.1. */
  | 'timer 100'
  /** The wait for a final response after a CANCEL, RFC 3261 9.1. */
  | 'timer cancel'
  /** The end of a server transaction that the TU never answers. */
  | 'timer guard';

export type MachineEvent =
  | TimerName
  /** Client: a response of that class came. */
  | 'response 100'
  | 'response 1xx'
  | 'response 2xx'
  | 'response 3xx-6xx'
  /** Client: the TU no longer wants an answer. */
  | 'cancel'
  /** Server: the request came again. */
  | 'request'
  | 'ack'
  /** Server: the TU gives a response of that class. */
  | 'send 1xx'
  | 'send 2xx'
  | 'send 3xx-6xx'
  | 'transport error';

export type Effect =
  | 'send request'
  | 'send ack'
  | 'send cancel'
  /** Sends the response that the TU has just given. */
  | 'send response'
  /** Sends the last response again, if there was one. */
  | 'resend response'
  | 'send 100'
  /** Hands the message that has come to the TU. */
  | 'deliver'
  /** Tells the TU. */
  | 'timeout'
  | 'transport-error'
  | 'stop repeat'
  | 'restart end'
  /** The text kept for retransmission is needed no more. */
  | 'forget text';

export interface Arrow<S extends string = string> {
  readonly next: S;
  readonly effects: readonly Effect[];
}

/**
 * A state. Its timers run while the machine is in it: a timer that the state before also names goes on undisturbed, others are
 * stopped and started. What `on` does not name is illegal there and changes nothing.
 */
export interface StateTable<S extends string = string> {
  /** The timer that repeats (A, E, G), or fires once beside `end` (100). */
  readonly repeat?: TimerName;
  /** The timer that ends the state. */
  readonly end?: TimerName;
  readonly on: { readonly [E in MachineEvent]?: Arrow<S | 'terminated'> };
}

export interface Machine<S extends string = string> {
  readonly initial: S;
  readonly states: { readonly [K in S]: StateTable<S> };
}

/** The arrow for `event` in `state`; undefined where there is none: nothing happens, nothing changes. */
export function step<S extends string>(machine: Machine<S>, state: S, event: MachineEvent): Arrow<S | 'terminated'> | undefined {
  return machine.states[state].on[event];
}

export function to<S extends string>(next: S, ...effects: Effect[]): Arrow<S> {
  return { next, effects };
}
