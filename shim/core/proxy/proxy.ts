import { type Message, relayResponse, respond, scan, topVia, vias } from '../sip/index.ts';
import type { TransactionTable } from '../transaction/table.ts';
import type { Action, TransactionEvent } from '../transaction/types.ts';
import { type Flow, type ListenPoint, responseTarget, type Target, viaStamp, viaTarget } from '../transport.ts';
import { isLoop, loopHash, makeBranch } from './branch.ts';
import { forwarded } from './forward.ts';
import { REFUSALS, type Refusal } from './refusal.ts';
import { type ResponseContext, ResponseContexts } from './response-context.ts';
import { type Route, type Routing, route } from './route.ts';
import { validate } from './validate.ts';

/** What the proxy tells of the messages that it relayed, once they are on their way. */
export interface Observer {
  /** A request was relayed; `callee` is the local user it was for, `flow` where it came from, `branch` that of the Via it was given. */
  request(m: Message, flow: Flow, callee: string | undefined, branch: string): void;
  /**
   * A response was relayed, or made here in the place of one. `callee` is the local user that the request was for; null where there is none,
   * undefined where that is not known.
   */
  response(m: Message, callee: string | null | undefined): void;
}

export interface ProxyParts {
  readonly table: TransactionTable;
  readonly routing: Routing;
  readonly observer: Observer;
  /** A new string of token characters at each call, never the same again. */
  readonly unique: () => string;
  /** Is the call of that response one that was taken up from disk (its transactions are gone). */
  readonly isRestored: (m: Message) => boolean;
  /** The branch under which the INVITE of that CANCEL was sent on to `callee`, where its call is such a one. */
  readonly restoredBranch: (m: Message, callee: string | null) => string | undefined;
}

/** RFC 3261 16: the stateful proxy. Bytes go out as actions; it keeps the response contexts and nothing else. */
export class StatefulProxy {
  readonly #parts: ProxyParts;
  readonly contexts = new ResponseContexts();

  constructor(parts: ProxyParts) {
    this.#parts = parts;
  }

  /** A request in a new server transaction `id`. 'own' where it is for this element itself, and nothing was done. */
  request(m: Message, flow: Flow, id: string, now: number): Action[] | 'own' {
    if (m.method === 'CANCEL') return this.#cancel(m, flow, id, now);
    const way = route(m, this.#parts.routing, flow);
    if (way.kind === 'own') return 'own';
    const refusal = validate(m) ?? (way.kind === 'refuse' ? way.refusal : undefined);
    if (refusal || way.kind === 'refuse') return this.refuse(id, m, flow, refusal ?? REFUSALS.away, now);
    return this.#forward(m, way, flow, id, now);
  }

  /** An ACK without a transaction: it belongs to a 2xx and is relayed as it is (RFC 3261 16.6, 17: "forwarded statelessly"). */
  acknowledge(m: Message, flow: Flow): Action[] {
    const { routing, observer, unique } = this.#parts;
    const way = route(m, routing, flow);
    if (way.kind !== 'forward' || validate(m)) return [];
    const outbound = routing.self.pointFor(way.target, flow);
    const loop = loopHash(m, m.uri);
    if (outbound === undefined || isLoop(m, loop, routing.self)) return [];
    const branch = makeBranch(unique(), loop);
    const text = forwarded(m, way, { flow, inbound: routing.self.pointOf(flow), outbound, branch });
    observer.request(m, flow, way.callee, branch);
    return [{ type: 'send', text, target: sentFrom(way.target, outbound), id: '' }];
  }

  /** RFC 3261 16.7: a response that the transaction layer delivers for client transaction `id`. */
  response(m: Message, id: string, now: number): Action[] {
    const found = this.contexts.ofClient(id);
    if (found === undefined) return [];
    const { context, branch } = found;
    if (m.status < 200) {
      // Step 5: "Any provisional response other than 100 (Trying)" is forwarded at once.
      return m.status > 100 && !context.finalSent ? this.#relay(m, context, now) : [];
    }
    branch.completed = true;
    // Step 5: "a stateful proxy MUST NOT forward a final response after one has been sent", but for "any 2xx response to an INVITE".
    const success = m.status < 300;
    if (context.finalSent && !(success && context.request.method === 'INVITE')) return [];
    // Step 6: "A proxy which receives a 503 (Service Unavailable) response SHOULD NOT forward it upstream unless it can determine that any
    // subsequent requests it might proxy will also generate a 503."
    if (m.status === 503) return this.#settle(context, REFUSALS.noService, now);
    context.finalSent = true;
    return this.#relay(m, context, now);
  }

  /**
   * A response without a transaction. RFC 6026 8.2: it "MUST NOT" be forwarded, with one exception made here: calls that rang when the
   * process was killed are known from disk, and their answers still go through, so that a restart ends no call.
   */
  stray(m: Message): Action[] {
    const [own, next] = vias(m) ?? [];
    if (!own || !next || !this.#parts.routing.self.isSentBy(own.host, own.port) || !this.#parts.isRestored(m)) return [];
    const target = viaTarget(next);
    if (target === undefined) return [];
    this.#parts.observer.response(m, undefined);
    return [{ type: 'send', text: relayResponse(m), target, id: '' }];
  }

  /** What the transaction layer tells of its transactions. */
  event(event: TransactionEvent, now: number): Action[] {
    if (event.type === 'terminated') {
      this.contexts.terminated(event.id);
      return [];
    }
    const found = event.side === 'client' ? this.contexts.ofClient(event.id) : undefined;
    if (found === undefined || found.branch.completed) return [];
    const { context, branch } = found;
    branch.completed = true;
    if (context.finalSent) return [];
    // RFC 3261 16.9: "If the transport layer notifies a proxy of an error when it tries to forward a request, the proxy MUST behave as if the
    // forwarded request received a 503 response."
    if (event.type === 'transport-error') return this.#settle(context, REFUSALS.noService, now);
    return this.#settle(context, context.cancelled ? REFUSALS.cancelled : REFUSALS.timeout, now);
  }

  /** Answers a request from here, in its transaction. */
  refuse(id: string, m: Message, flow: Flow, refusal: Refusal, now: number): Action[] {
    return [...this.#parts.table.respond(id, refusal.status, this.answer(m, flow, refusal), now)];
  }

  /** The text of an answer of this element's own. */
  answer(m: Message, flow: Flow, { status, reason, headers }: Refusal): string {
    const via = topVia(m);
    return respond(m, status, reason, {
      toTag: this.#parts.unique(),
      headers: headers.map(([name, value]): [string, string] => [name, value]),
      ...(via ? { via: viaStamp(via, flow) } : {}),
    });
  }

  /** Answers a request that cannot be understood, as far as it can be answered: without a transaction, since it may not have what makes one. */
  reject(m: Message, flow: Flow, refusal: Refusal): Action[] {
    const via = topVia(m);
    if (via === undefined || m.method === 'ACK') return [];
    return [{ type: 'send', text: this.answer(m, flow, refusal), target: responseTarget(via, flow), id: '' }];
  }

  #forward(m: Message, way: Extract<Route, { kind: 'forward' }>, flow: Flow, id: string, now: number): Action[] {
    const { routing, table, observer, unique } = this.#parts;
    const loop = loopHash(m, m.uri);
    if (isLoop(m, loop, routing.self)) return this.refuse(id, m, flow, REFUSALS.loop, now);
    const outbound = routing.self.pointFor(way.target, flow);
    if (outbound === undefined) return this.refuse(id, m, flow, REFUSALS.noService, now);
    const branch = makeBranch(unique(), loop);
    const text = forwarded(m, way, { flow, inbound: routing.self.pointOf(flow), outbound, branch });
    const sent = table.send({ text, method: m.method, branch }, sentFrom(way.target, outbound), now);
    if (!sent.ok) return this.refuse(id, m, flow, REFUSALS.full, now);
    const context = this.contexts.open(id, m, flow, way.callee ?? null);
    this.contexts.addBranch(context, { id: sent.id, completed: false });
    observer.request(m, flow, way.callee, branch);
    return [...sent.actions];
  }

  /** Steps 3, 8, 9: without our Via, by the server transaction. */
  #relay(m: Message, context: ResponseContext, now: number): Action[] {
    const actions = this.#parts.table.respond(context.id, m.status, relayResponse(m), now);
    this.#parts.observer.response(m, context.callee);
    return [...actions];
  }

  /** Ends a response context with an answer from here. */
  #settle(context: ResponseContext, refusal: Refusal, now: number): Action[] {
    context.finalSent = true;
    const text = this.answer(context.request, context.flow, refusal);
    // RFC 4320 4.2: "A transaction-stateful SIP element MUST NOT send a response with Status-Code of 408 to a non-INVITE request."
    // Presence is shown it all the same: a BYE that nobody answers ends the call.
    const silent = refusal.status === 408 && context.request.method !== 'INVITE';
    const actions = silent ? [] : this.#parts.table.respond(context.id, refusal.status, text, now);
    const made = scan(text, { headerBytes: text.length, headerCount: text.length, bodyBytes: text.length }, 'datagram');
    if (made.ok) this.#parts.observer.response(made.message, context.callee);
    return [...actions];
  }

  /** RFC 3261 16.10, 9.2. */
  #cancel(m: Message, flow: Flow, id: string, now: number): Action[] {
    const invite = this.#parts.table.matchCancel(m);
    const context = invite === undefined ? undefined : this.contexts.ofServer(invite);
    if (context === undefined)
      return this.#cancelRestored(m, flow, id, now) ?? this.refuse(id, m, flow, REFUSALS.noTransaction, now);
    const actions = this.refuse(id, m, flow, OK, now);
    if (context.finalSent) return actions;
    context.cancelled = true;
    // RFC 3261 9.1: a branch without a provisional response yet is cancelled when one comes; the client transaction sees to it.
    for (const { id: client } of context.branches) actions.push(...this.#parts.table.cancel(client, now));
    return actions;
  }

  /**
   * RFC 3261 16.10: "If a response context is not found, the element does not have any knowledge of the request to apply the CANCEL to. It
   * MUST statelessly forward the CANCEL request". What is known of a call that rang when the process was killed is the branch of its INVITE,
   * which the callee's phone asks for (9.1).
   */
  #cancelRestored(m: Message, flow: Flow, id: string, now: number): Action[] | undefined {
    const { routing, table, restoredBranch } = this.#parts;
    const way = route(m, routing, flow);
    if (way.kind !== 'forward' || validate(m)) return undefined;
    const branch = restoredBranch(m, way.callee ?? null);
    const outbound = routing.self.pointFor(way.target, flow);
    if (!branch || outbound === undefined) return undefined;
    const text = forwarded(m, way, { flow, inbound: routing.self.pointOf(flow), outbound, branch });
    const sent = table.send({ text, method: 'CANCEL', branch }, sentFrom(way.target, outbound), now);
    return sent.ok ? [...this.refuse(id, m, flow, OK, now), ...sent.actions] : undefined;
  }
}

const OK: Refusal = { status: 200, reason: 'OK', headers: [] };

/** The target, with the address to send from: that which stands in Via, so that answers and firewalls find it as it says. */
const sentFrom = (target: Target, { address, port }: ListenPoint): Target => ({ ...target, local: { address, port } });
