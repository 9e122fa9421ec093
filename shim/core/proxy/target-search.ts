import { type Message, relayResponse, scan } from '../sip/index.ts';
import type { TransactionTable } from '../transaction/table.ts';
import type { Action, TransactionEvent } from '../transaction/types.ts';
import type { Flow, ListenPoint, Target } from '../transport.ts';
import { answerText } from './answer.ts';
import { better, type Final } from './best-response.ts';
import { makeBranch } from './branch.ts';
import { forwarded } from './forward.ts';
import { REFUSALS } from './refusal.ts';
import type { ResponseContext, ResponseContexts } from './response-context.ts';
import type { Forward, RouteTarget } from './route.ts';
import type { Self } from './self.ts';

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

export interface SearchParts {
  readonly table: TransactionTable;
  readonly self: Self;
  readonly observer: Observer;
  /** A new string of token characters at each call, never the same again. */
  readonly unique: () => string;
}

/**
 * The way of one request through its target set (RFC 3261 16.6 to 16.9): the targets of the best q in parallel, then those of the next,
 * until one answers with 2xx or 6xx; the best of what came goes back.
 */
export class TargetSearch {
  readonly #parts: SearchParts;
  readonly #contexts: ResponseContexts;

  constructor(parts: SearchParts, contexts: ResponseContexts) {
    this.#parts = parts;
    this.#contexts = contexts;
  }

  /** A request in a new server transaction `id`. */
  start(m: Message, way: Forward, from: { readonly flow: Flow; readonly loop: string }, id: string, now: number): Action[] {
    return this.#proceed(this.#contexts.open(id, m, from.flow, way, from.loop), now);
  }

  /** RFC 3261 16.7: a response that the transaction layer delivers for client transaction `id`. */
  response(m: Message, id: string, now: number): Action[] {
    const found = this.#contexts.ofClient(id);
    if (found === undefined) return [];
    const { context, branch } = found;
    if (m.status < 200) {
      // Step 5: "Any provisional response other than 100 (Trying)" is forwarded at once.
      return m.status > 100 && !context.finalSent ? this.#relay(m, context, now) : [];
    }
    branch.completed = true;
    if (m.status < 300) return this.#success(m, context, now);
    return this.#failed(context, { status: m.status, message: m }, now);
  }

  /** The client transaction of a branch has ended without a final response. */
  event(event: TransactionEvent, now: number): Action[] {
    const found = event.side === 'client' ? this.#contexts.ofClient(event.id) : undefined;
    if (found === undefined || found.branch.completed) return [];
    const { context, branch } = found;
    branch.completed = true;
    // RFC 3261 16.9: "If the transport layer notifies a proxy of an error when it tries to forward a request, the proxy MUST behave as if the
    // forwarded request received a 503 response."
    if (event.type === 'transport-error') return this.#failed(context, UNREACHABLE, now);
    // RFC 4320: a non-INVITE request has no more time than one transaction has, and that is over.
    if (event.method !== 'INVITE') context.waiting = [];
    return this.#failed(context, context.cancelled ? CANCELLED : TIMEOUT, now);
  }

  /** RFC 3261 16.10: the caller gives up. */
  cancel(context: ResponseContext, now: number): Action[] {
    if (context.finalSent) return [];
    context.cancelled = true;
    return this.#stop(context, now);
  }

  #success(m: Message, context: ResponseContext, now: number): Action[] {
    // Step 5: "a stateful proxy MUST NOT forward a final response after one has been sent", but for "any 2xx response to an INVITE".
    if (context.finalSent && context.request.method !== 'INVITE') return [];
    context.finalSent = true;
    // Step 10: "If the forwarded response was a 2xx or 6xx, the proxy MUST generate a CANCEL request for all pending client transactions".
    return [...this.#relay(m, context, now), ...this.#stop(context, now)];
  }

  #failed(context: ResponseContext, final: Final, now: number): Action[] {
    if (context.finalSent) return [];
    context.best = better(context.best, final, context.cancelled);
    // Step 5: "If a 6xx response is received, it is not immediately forwarded, but the stateful proxy SHOULD cancel all client pending
    // transactions as described in Section 10, and it MUST NOT create any new branches in this context."
    const stopped = final.status >= 600 ? this.#stop(context, now) : [];
    return [...stopped, ...this.#proceed(context, now)];
  }

  /** No further targets, and no more of those that were tried. RFC 3261 9.1: each is sent its CANCEL when it has answered provisionally. */
  #stop(context: ResponseContext, now: number): Action[] {
    context.waiting = [];
    const actions: Action[] = [];
    for (const { id, completed } of context.branches) if (!completed) actions.push(...this.#parts.table.cancel(id, now));
    return actions;
  }

  /** What is next, when a branch has ended: nothing while others are pending, else the next group, else the answer. */
  #proceed(context: ResponseContext, now: number): Action[] {
    const actions: Action[] = [];
    while (context.branches.every((branch) => branch.completed)) {
      const [group, ...others] = context.waiting;
      if (group === undefined) return [...actions, ...this.#finish(context, now)];
      context.waiting = others;
      for (const target of group) actions.push(...this.#send(context, target, now));
    }
    return actions;
  }

  #send(context: ResponseContext, to: RouteTarget, now: number): Action[] {
    const { self, table, observer, unique } = this.#parts;
    const { request, flow, way } = context;
    const { target } = to;
    const outbound = self.pointFor(target, flow);
    const branch = makeBranch(unique(), context.loop);
    const text = outbound && forwarded(request, way, to, { flow, inbound: self.pointOf(flow), outbound, branch });
    const sent =
      outbound && table.send({ text: text as string, method: request.method, branch }, sentFrom(target, outbound), now);
    if (sent?.ok !== true) {
      context.best = better(context.best, sent === undefined ? UNREACHABLE : FULL);
      return [];
    }
    this.#contexts.addBranch(context, { id: sent.id, completed: false });
    observer.request(request, flow, way.callee, branch);
    return [...sent.actions];
  }

  /** Steps 3, 8, 9: without our Via, by the server transaction. */
  #relay(m: Message, context: ResponseContext, now: number): Action[] {
    const actions = this.#parts.table.respond(context.id, m.status, relayResponse(m), now);
    this.#parts.observer.response(m, context.way.callee ?? null);
    return [...actions];
  }

  /** Step 6: every branch has ended, and the best of what came goes back. */
  #finish(context: ResponseContext, now: number): Action[] {
    const { best = UNREACHABLE, request, flow } = context;
    context.finalSent = true;
    // "A proxy which receives a 503 (Service Unavailable) response SHOULD NOT forward it upstream unless it can determine that any
    // subsequent requests it might proxy will also generate a 503."
    const { sole, callee } = context.way;
    if ('message' in best && (best.status !== 503 || sole)) return this.#relay(best.message, context, now);
    const made503 = best === UNREACHABLE && sole ? REFUSALS.pbxAway : undefined;
    const refusal = made503 ?? ('refusal' in best ? best.refusal : REFUSALS.noService);
    const text = answerText(request, flow, refusal, this.#parts.unique());
    // RFC 4320 4.2: "A transaction-stateful SIP element MUST NOT send a response with Status-Code of 408 to a non-INVITE request."
    // Presence is shown it all the same: a BYE that nobody answers ends the call.
    const silent = refusal.status === 408 && request.method !== 'INVITE';
    const actions = silent ? [] : this.#parts.table.respond(context.id, refusal.status, text, now);
    const made = scan(text, { headerBytes: text.length, headerCount: text.length, bodyBytes: text.length }, 'datagram');
    if (made.ok && context.branches.length > 0) this.#parts.observer.response(made.message, callee ?? null);
    return [...actions];
  }
}

/** The target, with the address to send from: that which stands in Via, or which the one in Via stands for, so that answers find it. */
export const sentFrom = (target: Target, { address, port, bound }: ListenPoint): Target => ({
  ...target,
  local: bound ?? { address, port },
});

const UNREACHABLE: Final = { status: 503, refusal: REFUSALS.noService };
const FULL: Final = { status: 503, refusal: REFUSALS.full };
const TIMEOUT: Final = { status: 408, refusal: REFUSALS.timeout };
const CANCELLED: Final = { status: 487, refusal: REFUSALS.cancelled };
