import { Deadlines } from '../../shim/core/deadlines.ts';
import { isRequest, type Message, respond, topVia } from '../../shim/core/sip/index.ts';
import {
  type Action,
  DEFAULT_TRANSACTION_SETTINGS,
  type TransactionEvent,
  TransactionTable,
} from '../../shim/core/transaction/index.ts';
import { type Flow, viaStamp } from '../../shim/core/transport.ts';
import type { VirtualParty } from '../support/virtual-network.ts';
import { parse } from './messages.ts';

/** What a server does with a request: says these things, each so many ms after the one before. */
export type Script = readonly { readonly after: number; readonly status: number }[];

/** A transaction user over the virtual network: a client that counts what it is told, and a server that answers by a script. */
export class User implements VirtualParty {
  readonly table = new TransactionTable(DEFAULT_TRANSACTION_SETTINGS);
  /** Responses handed to the TU, by client transaction. */
  readonly delivered = new Map<string, number[]>();
  readonly events: TransactionEvent[] = [];
  /** Server transactions begun, by id: each must be begun once. */
  readonly begun = new Map<string, number>();
  readonly #script: (request: Message) => Script;
  readonly #later = new Deadlines<() => readonly Action[]>();
  #now = 0;

  constructor(script: (request: Message) => Script = () => []) {
    this.#script = script;
  }

  receive(text: string, flow: Flow, now: number): readonly Action[] {
    this.#now = now;
    const message = parse(text);
    if (!isRequest(message)) {
      const result = this.table.response(message, now);
      if (result.kind === 'deliver') this.delivered.set(result.id, [...(this.delivered.get(result.id) ?? []), message.status]);
      return result.actions;
    }
    const result = this.table.request(message, flow, now);
    if (result.kind !== 'new') return result.actions;
    this.begun.set(result.id, (this.begun.get(result.id) ?? 0) + 1);
    if (message.method === 'CANCEL') return this.#cancelled(message, flow, result.id);
    let at = now;
    for (const { after, status } of this.#script(message)) {
      at += after;
      this.#later.set(() => this.table.respond(result.id, status, reply(message, flow, status), this.#now), at);
    }
    return result.actions;
  }

  expire(now: number): readonly Action[] {
    this.#now = now;
    const { actions, events } = this.table.expire(now);
    this.events.push(...events);
    return [...actions, ...this.#later.expired(now).flatMap((work) => work())];
  }

  nextDeadline(): number | undefined {
    const deadlines = [this.table.nextDeadline(), this.#later.next()].filter((at) => at !== undefined);
    return deadlines.length === 0 ? undefined : Math.min(...deadlines);
  }

  transportError(id: string, now: number): readonly Action[] {
    this.events.push(...this.table.transportError(id, now));
    return [];
  }

  /** RFC 3261 9.2: 200 to the CANCEL, 487 to the INVITE. */
  #cancelled(cancel: Message, flow: Flow, id: string): readonly Action[] {
    const invite = this.table.matchCancel(cancel);
    const own = this.table.respond(
      id,
      invite === undefined ? 481 : 200,
      reply(cancel, flow, invite === undefined ? 481 : 200),
      this.#now,
    );
    if (invite === undefined) return own;
    const text = reply(cancel, flow, 487).replace(/^(CSeq: \d+) CANCEL/m, '$1 INVITE');
    return [...own, ...this.table.respond(invite, 487, text, this.#now)];
  }
}

function reply(request: Message, flow: Flow, status: number): string {
  const via = topVia(request);
  return respond(request, status, '', { toTag: 'server', ...(via !== undefined && { via: viaStamp(via, flow) }) });
}
