import type { Message } from '../../shim/core/sip/index.ts';
import type {
  Action,
  OutgoingRequest,
  RequestResult,
  ResponseResult,
  TransactionEvent,
  TransactionTable,
} from '../../shim/core/transaction/index.ts';
import type { Flow, Target } from '../../shim/core/transport.ts';

/** Drives a table through virtual time from 0, and keeps what it sends and tells, with the times. */
export class Driver {
  readonly table: TransactionTable;
  readonly sent: (Action & { at: number })[] = [];
  readonly events: (TransactionEvent & { at: number })[] = [];
  now = 0;

  constructor(table: TransactionTable) {
    this.table = table;
  }

  perform(actions: readonly Action[]): void {
    for (const action of actions) this.sent.push({ ...action, at: this.now });
  }

  send(request: OutgoingRequest, target: Target): string {
    const result = this.table.send(request, target, this.now);
    if (!result.ok) throw new Error(result.reason);
    this.perform(result.actions);
    return result.id;
  }

  request(message: Message, flow: Flow): RequestResult {
    const result = this.table.request(message, flow, this.now);
    this.perform(result.actions);
    return result;
  }

  response(message: Message): ResponseResult {
    const result = this.table.response(message, this.now);
    this.perform(result.actions);
    return result;
  }

  respond(id: string, status: number, text: string): void {
    this.perform(this.table.respond(id, status, text, this.now));
  }

  /** Lets time pass, stopping at each deadline on the way. */
  runUntil(until: number): void {
    for (let at = this.table.nextDeadline(); at !== undefined && at <= until; at = this.table.nextDeadline()) {
      this.now = Math.max(this.now, at);
      const { actions, events } = this.table.expire(this.now);
      this.perform(actions);
      for (const event of events) this.events.push({ ...event, at: this.now });
    }
    this.now = until;
  }
}
