import { type Due, DueHeap } from '../deadlines.ts';
import { type HeaderField, type Message, own, topVia } from '../sip/index.ts';
import { type Flow, isReliable, responseTarget, type Target, viaStamp } from '../transport.ts';
import { ackFor, cancelFor, toTagOf, trying } from './build.ts';
import { INVITE_CLIENT } from './invite-client.ts';
import { INVITE_SERVER } from './invite-server.ts';
import { clientKey, hasMagicCookie, legacyKey, serverKey } from './key.ts';
import { type Effect, type Machine, type MachineEvent, type StateTable, step, type TimerName } from './machine.ts';
import { NON_INVITE_CLIENT } from './non-invite-client.ts';
import { NON_INVITE_SERVER } from './non-invite-server.ts';
import { duration, nextInterval } from './timers.ts';
import type {
  Action,
  ExpireResult,
  OutgoingRequest,
  RequestResult,
  ResponseResult,
  SendResult,
  Side,
  TransactionEvent,
  TransactionSettings,
} from './types.ts';

const NEVER = Number.POSITIVE_INFINITY;
const NONE: readonly Action[] = [];
const NO_HEADERS: readonly HeaderField[] = [];

/** One transaction. Small, since tens of thousands wait for stragglers at any time: what it keeps of a message is a copy. */
interface Transaction extends Due {
  readonly id: string;
  readonly side: Side;
  readonly method: string;
  readonly machine: Machine;
  readonly target: Target;
  state: string;
  /** Client: the request, later its ACK. Server: the last response. '' when nothing is to be sent again. */
  text: string;
  /** Server: the request, until the first response has been sent. */
  request: { readonly message: Message; readonly flow: Flow } | undefined;
  /** Server, RFC 2543 INVITE: the key under which its ACK finds it, as soon as the To tag of the response is known. */
  legacy: { readonly message: Message; ackKey: string | undefined } | undefined;
  /** Client: what its CANCEL carries beside what it must (RFC 3326). */
  cancelHeaders: readonly HeaderField[];
  /** A CANCEL of our own: the TU is not told of it. */
  readonly quiet: boolean;
  interval: number;
  repeatAt: number;
  endAt: number;
}

/** What came of a step. */
interface Outcome {
  readonly actions: Action[];
  delivered: boolean;
}

/** Totals since start, for metrics. */
export interface TransactionCounters {
  started: number;
  retransmissionsReceived: number;
  retransmissionsSent: number;
  timeouts: number;
  transportErrors: number;
  refused: number;
  stray: number;
}

/**
 * All transactions of the element (RFC 3261 17). Pure: time is an argument (ms, never going back), what is to be sent is returned.
 * After each call the owner arms its timer with `nextDeadline()`.
 */
export class TransactionTable {
  readonly counters: TransactionCounters = {
    started: 0,
    retransmissionsReceived: 0,
    retransmissionsSent: 0,
    timeouts: 0,
    transportErrors: 0,
    refused: 0,
    stray: 0,
  };
  readonly #settings: TransactionSettings;
  readonly #transactions = new Map<string, Transaction>();
  readonly #legacyAcks = new Map<string, Transaction>();
  readonly #deadlines = new DueHeap<Transaction>();
  readonly #alive = { client: 0, server: 0 };
  #events: TransactionEvent[] = [];

  constructor(settings: TransactionSettings) {
    this.#settings = settings;
  }

  /** Number of transactions alive. */
  get size(): number {
    return this.#transactions.size;
  }

  /** Requests from the wire without a final answer yet. Looks at every transaction: for the end of the process. */
  get unanswered(): number {
    let count = 0;
    for (const transaction of this.#transactions.values()) if (isUnanswered(transaction)) count += 1;
    return count;
  }

  /** Does that server transaction still wait for its final answer. */
  awaits(id: string): boolean {
    const found = this.#transactions.get(id);
    return found !== undefined && isUnanswered(found);
  }

  alive(side: Side): number {
    return this.#alive[side];
  }

  has(id: string): boolean {
    return this.#transactions.has(id);
  }

  /** A request from the wire, as `scan` has passed it. */
  request(message: Message, flow: Flow, now: number): RequestResult {
    const via = topVia(message);
    if (via === undefined) throw new Error('request without Via: not passed by scan');
    if (message.method === 'ACK') return this.#ack(message, serverKey(message, via, 'INVITE'), now);
    const key = serverKey(message, via, message.method);
    const found = this.#transactions.get(key);
    if (found !== undefined) {
      this.counters.retransmissionsReceived++;
      return { kind: 'absorbed', id: found.id, actions: this.#step(found, 'request', now).actions };
    }
    // At the limit a CANCEL is still taken for an INVITE that is here: it frees more than it costs, and there is one at most for each.
    if (this.#alive.server >= this.#settings.max && this.matchCancel(message) === undefined) {
      this.counters.refused++;
      return { kind: 'full', actions: NONE };
    }
    const invite = message.method === 'INVITE';
    const id = own(key);
    this.#start(now, {
      id,
      side: 'server',
      method: own(message.method),
      machine: invite ? INVITE_SERVER : NON_INVITE_SERVER,
      target: responseTarget(via, flow),
      text: '',
      request: { message, flow },
      legacy: invite && !hasMagicCookie(via.branch) ? { message, ackKey: undefined } : undefined,
      quiet: false,
    });
    return { kind: 'new', id, actions: NONE };
  }

  /**
   * The INVITE server transaction that a CANCEL is for (RFC 3261 9.2: "the transaction is matched [...] assuming the method is anything
   * but CANCEL or ACK"). A CANCEL has effect on INVITE alone, so no other is looked for. Undefined too where `message` is no CANCEL.
   */
  matchCancel(message: Message): string | undefined {
    const via = message.method === 'CANCEL' ? topVia(message) : undefined;
    const id = via && serverKey(message, via, 'INVITE');
    return id !== undefined && this.#transactions.has(id) ? id : undefined;
  }

  /** The TU answers: `text` is the response as it is to be sent. Nothing is sent where the machine does not allow it, or is gone. */
  respond(id: string, status: number, text: string, now: number): readonly Action[] {
    const found = this.#transactions.get(id);
    if (found?.side !== 'server') return NONE;
    const event = status < 200 ? 'send 1xx' : status < 300 ? 'send 2xx' : 'send 3xx-6xx';
    return this.#step(found, event, now, undefined, text).actions;
  }

  /** Sends a request in a client transaction of its own. ACK to a 2xx is none: the TU sends that itself. */
  send(request: OutgoingRequest, target: Target, now: number): SendResult {
    if (this.#alive.client >= this.#settings.max) {
      this.counters.refused++;
      return { ok: false, reason: 'full', actions: NONE };
    }
    return this.#send(request, target, now, false);
  }

  /** A response from the wire, as `scan` has passed it. */
  response(message: Message, now: number): ResponseResult {
    const branch = topVia(message)?.branch;
    const found = branch === undefined ? undefined : this.#transactions.get(clientKey(branch, message.method));
    if (found === undefined) {
      this.counters.stray++;
      return { kind: 'stray', actions: NONE };
    }
    const { delivered, actions } = this.#step(found, responseEvent(message.status), now, message);
    if (!delivered) this.counters.retransmissionsReceived++;
    return { kind: delivered && !found.quiet ? 'deliver' : 'absorbed', id: found.id, actions };
  }

  /**
   * The TU no longer wants an answer to the INVITE that it sent as `id`: a CANCEL goes out as soon as a provisional response has come
   * (RFC 3261 9.1), with these `headers`. The end comes as usual: a final response, or `timeout`. Of no effect on other requests and after a final response.
   */
  cancel(id: string, now: number, headers: readonly HeaderField[] = NO_HEADERS): readonly Action[] {
    const found = this.#transactions.get(id);
    if (found?.cancelHeaders === NO_HEADERS) found.cancelHeaders = headers;
    return found === undefined ? NONE : this.#step(found, 'cancel', now).actions;
  }

  /** A message of this transaction could not be sent (RFC 3261 17.1.4, 17.2.4). */
  transportError(id: string, now: number): readonly TransactionEvent[] {
    const found = this.#transactions.get(id);
    if (found !== undefined) this.#step(found, 'transport error', now);
    return this.#takeEvents();
  }

  /** The earliest time at which `expire` has something to do. */
  nextDeadline(): number | undefined {
    return this.#deadlines.next();
  }

  /** Fires the timers that are due: retransmissions to send, and what the TU must know. */
  expire(now: number): ExpireResult {
    const actions: Action[] = [];
    for (const due of this.#deadlines.expired(now)) {
      const { repeat, end } = stateOf(due);
      if (due.endAt <= now && end !== undefined) {
        actions.push(...this.#step(due, end, now).actions);
      } else if (due.repeatAt <= now && repeat !== undefined) {
        due.interval = nextInterval(repeat, due.state, due.interval, this.#settings) ?? NEVER;
        due.repeatAt = now + due.interval;
        actions.push(...this.#step(due, repeat, now).actions);
      } else {
        this.#arm(due);
      }
    }
    return { actions, events: this.#takeEvents() };
  }

  #ack(message: Message, key: string, now: number): RequestResult {
    const found = this.#legacyAcks.get(key) ?? this.#transactions.get(key);
    if (found === undefined) return { kind: 'ack', id: undefined, actions: NONE };
    const { delivered, actions } = this.#step(found, 'ack', now, message);
    return { kind: delivered ? 'ack' : 'absorbed', id: found.id, actions };
  }

  #send(request: OutgoingRequest, target: Target, now: number, quiet: boolean): SendResult {
    const { method } = request;
    const id = own(clientKey(request.branch, method));
    if (this.#transactions.has(id)) return { ok: false, reason: 'branch in use', actions: NONE };
    const invite = method === 'INVITE';
    const machine = invite ? INVITE_CLIENT : NON_INVITE_CLIENT;
    const text = own(request.text);
    // Over a reliable transport only an INVITE is needed again, for its ACK or CANCEL.
    const kept = invite || !isReliable(target.transport) ? text : '';
    this.#start(now, { id, side: 'client', method, machine, target, text: kept, request: undefined, legacy: undefined, quiet });
    return { ok: true, id, actions: [{ type: 'send', text, target, id }] };
  }

  #start(now: number, parts: Omit<Transaction, 'state' | 'cancelHeaders' | 'interval' | 'repeatAt' | 'endAt' | keyof Due>): void {
    const { id, side, method, machine, target, text, request, legacy, quiet } = parts;
    // Named one by one: all are of one shape then, and made in one piece.
    const transaction: Transaction = {
      ...{ id, side, method, machine, target, text, request, legacy, quiet },
      state: machine.initial,
      cancelHeaders: NO_HEADERS,
      interval: NEVER,
      repeatAt: NEVER,
      endAt: NEVER,
      dueAt: 0,
      order: 0,
      place: -1,
    };
    this.#transactions.set(transaction.id, transaction);
    this.#alive[transaction.side]++;
    this.counters.started++;
    const { repeat, end } = stateOf(transaction);
    this.#startRepeat(transaction, repeat, now);
    this.#startEnd(transaction, end, now);
    this.#arm(transaction);
  }

  /** One step of a machine: its effects, then its timers. `message` has come from the wire, `response` from the TU. */
  #step(transaction: Transaction, event: MachineEvent, now: number, message?: Message, response = ''): Outcome {
    const outcome: Outcome = { actions: [], delivered: false };
    const arrow = step(transaction.machine, transaction.state, event);
    if (arrow !== undefined) {
      const before = stateOf(transaction);
      if (arrow.next !== 'terminated' && arrow.next !== transaction.state) {
        transaction.state = arrow.next;
        const after = stateOf(transaction);
        if (after.repeat !== before.repeat) this.#startRepeat(transaction, after.repeat, now);
        if (after.end !== before.end) this.#startEnd(transaction, after.end, now);
      }
      for (const effect of arrow.effects) this.#effect(transaction, effect, outcome, now, message, response);
      if (arrow.next === 'terminated') this.#end(transaction);
    }
    if (this.#transactions.get(transaction.id) === transaction) this.#arm(transaction);
    return outcome;
  }

  #effect(
    transaction: Transaction,
    effect: Effect,
    outcome: Outcome,
    now: number,
    message: Message | undefined,
    response: string,
  ): void {
    const { id, target } = transaction;
    const send = (text: string) => outcome.actions.push({ type: 'send', text, target, id });
    switch (effect) {
      case 'send request':
      case 'resend response':
        if (transaction.text === '') return;
        this.counters.retransmissionsSent++;
        send(transaction.text);
        return;
      case 'send ack':
        // The first final response turns the request that is kept into its ACK; the following ones find the ACK.
        if (message !== undefined && !transaction.text.startsWith('ACK '))
          transaction.text = own(ackFor(transaction.text, message));
        if (transaction.text !== '') send(transaction.text);
        return;
      case 'send cancel': {
        const cancel = cancelFor(transaction.text, transaction.cancelHeaders);
        const sent = cancel && this.#send(cancel, target, now, true);
        if (sent !== undefined) outcome.actions.push(...sent.actions);
        return;
      }
      case 'send response':
        send(this.#keepResponse(transaction, own(response)));
        return;
      case 'send 100': {
        const { request } = transaction;
        if (request === undefined) return;
        const via = topVia(request.message);
        const text = own(trying(request.message, via === undefined ? {} : viaStamp(via, request.flow)));
        send(this.#keepResponse(transaction, text));
        return;
      }
      case 'deliver':
        outcome.delivered = true;
        return;
      case 'forget text':
        transaction.text = '';
        return;
      case 'stop repeat':
        transaction.repeatAt = NEVER;
        return;
      case 'restart end':
        this.#startEnd(transaction, stateOf(transaction).end, now);
        return;
      case 'timeout':
      case 'transport-error':
        if (effect === 'timeout') this.counters.timeouts++;
        else this.counters.transportErrors++;
        this.#tell(transaction, effect);
        return;
    }
  }

  #keepResponse(transaction: Transaction, text: string): string {
    transaction.text = text;
    transaction.request = undefined;
    const { legacy } = transaction;
    const via = legacy && topVia(legacy.message);
    if (legacy !== undefined && via !== undefined && transaction.state === 'completed' && legacy.ackKey === undefined) {
      legacy.ackKey = legacyKey(legacy.message, via, 'INVITE', toTagOf(text));
      this.#legacyAcks.set(legacy.ackKey, transaction);
    }
    return text;
  }

  #startRepeat(transaction: Transaction, timer: TimerName | undefined, now: number): void {
    transaction.interval = this.#duration(transaction, timer);
    transaction.repeatAt = now + transaction.interval;
  }

  #startEnd(transaction: Transaction, timer: TimerName | undefined, now: number): void {
    transaction.endAt = now + this.#duration(transaction, timer);
  }

  #duration(transaction: Transaction, timer: TimerName | undefined): number {
    if (timer === undefined) return NEVER;
    const reliable = isReliable(transaction.target.transport);
    return duration(timer, this.#settings, reliable, transaction.method === 'INVITE') ?? NEVER;
  }

  #arm(transaction: Transaction): void {
    const at = Math.min(transaction.repeatAt, transaction.endAt);
    if (transaction.place < 0 || transaction.dueAt !== at) this.#deadlines.set(transaction, at);
  }

  #end(transaction: Transaction): void {
    this.#transactions.delete(transaction.id);
    this.#deadlines.clear(transaction);
    if (transaction.legacy?.ackKey !== undefined) this.#legacyAcks.delete(transaction.legacy.ackKey);
    this.#alive[transaction.side]--;
    this.#tell(transaction, 'terminated');
  }

  #tell({ id, side, method, quiet }: Transaction, type: TransactionEvent['type']): void {
    if (!quiet) this.#events.push({ type, id, side, method });
  }

  #takeEvents(): readonly TransactionEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}

/** RFC 3261 17.2: no final response has been sent. */
const isUnanswered = ({ side, state }: Transaction): boolean =>
  side === 'server' && (state === 'trying' || state === 'proceeding');

function stateOf(transaction: Transaction): StateTable {
  return transaction.machine.states[transaction.state] as StateTable;
}

function responseEvent(status: number): MachineEvent {
  if (status >= 300) return 'response 3xx-6xx';
  if (status >= 200) return 'response 2xx';
  return status === 100 ? 'response 100' : 'response 1xx';
}
