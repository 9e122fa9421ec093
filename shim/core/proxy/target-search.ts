import { type HeaderField, header, type Message, maxBreadth, quote, relayResponse, scan } from '../sip/index.ts';
import type { TransactionTable } from '../transaction/table.ts';
import type { Action, TransactionEvent } from '../transaction/types.ts';
import type { Flow, ListenPoint, Target } from '../transport.ts';
import { answerText } from './answer.ts';
import { better, collected, type Final, isChallenge } from './best-response.ts';
import { makeBranch } from './branch.ts';
import { forwarded } from './forward.ts';
import { LargeRequests } from './large.ts';
import { redirected } from './redirect.ts';
import { REFUSALS, type Refusal } from './refusal.ts';
import type { Callee, ClientBranch, ResponseContext, ResponseContexts } from './response-context.ts';
import type { Forward, RouteTarget, Routing, TargetGroup } from './route.ts';
import { type SessionTimerPolicy, timedAnswer } from './session-timer.ts';

/** Where a request was sent on: under that Via branch, to that target. */
export interface SentOn extends RouteTarget {
  readonly branch: string;
  /** Whom the request had been for, where a redirection led to this target. */
  readonly asked?: string | null;
}

/** What the proxy tells of the messages that it relayed, once they are on their way. */
export interface Observer {
  /** A request was relayed, once for each branch; `callee` is the local user it was for, `flow` where it came from. */
  request(m: Message, flow: Flow, callee: string | undefined, sent: SentOn): void;
  /**
   * A response was relayed, or made here in the place of one. `callee` is the local user that the request was for; null where there is none,
   * undefined where that is not known.
   */
  response(m: Message, callee: string | null | undefined): void;
}

export interface SearchParts {
  readonly table: TransactionTable;
  readonly routing: Routing;
  readonly observer: Observer;
  /** A new string of token characters at each call, never the same again. */
  readonly unique: () => string;
  /** RFC 4028: session timers that this proxy asks for; undefined where it asks for none. */
  readonly sessionTimer: SessionTimerPolicy | undefined;
}

/**
 * The way of one request through its target set (RFC 3261 16.6 to 16.9): the targets of the best q in parallel, then those of the next,
 * until one answers with 2xx or 6xx; the best of what came goes back.
 */
export class TargetSearch {
  readonly #parts: SearchParts;
  readonly #contexts: ResponseContexts;

  readonly #large: LargeRequests;

  constructor(parts: SearchParts, contexts: ResponseContexts) {
    this.#parts = parts;
    this.#large = new LargeRequests(parts.routing);
    this.#contexts = contexts;
  }

  /** A request in a new server transaction `id`. A refusal where nothing was done. */
  start(
    request: Message,
    way: Forward,
    from: { readonly flow: Flow; readonly loop: string },
    id: string,
    now: number,
  ): Action[] | Refusal {
    // RFC 5393 5.3.3: a higher Max-Breadth than the highest taken counts as that, and none does too; it is given one where it is forked.
    const most = this.#parts.routing.maxBreadth;
    const came = maxBreadth(request);
    if (came === 0) return REFUSALS.tooBroad;
    const showsBreadth = came !== undefined || way.targets.length > 1 || way.targets[0].length > 1;
    const context = this.#contexts.open({ id, request, way, ...from, breadth: Math.min(came ?? most, most), showsBreadth });
    return this.#proceed(context, now);
  }

  /** RFC 3261 16.7: a response that the transaction layer delivers for client transaction `id`. */
  response(m: Message, id: string, now: number): Action[] {
    const found = this.#contexts.ofClient(id);
    if (found === undefined) return [];
    const { context, branch } = found;
    if (m.status < 200) {
      branch.heard = true;
      // Step 5: "any provisional response other than 100 (Trying)" is forwarded at once.
      return m.status > 100 && !context.finalSent ? this.#relay(m, context, branch.callee, now) : [];
    }
    this.#contexts.complete(context, branch);
    if (m.status < 300)
      return this.#success(this.#parts.sessionTimer ? timedAnswer(m, context.request) : m, context, branch, now);
    if (context.finalSent) return [];
    if (isChallenge(m.status)) context.challenges.push(m);
    // RFC 3263 4.3: "failure occurs if the transaction layer reports a 503 error response or a transport failure of some sort".
    if (m.status === 503 && this.#failOver(context, branch, now, header(m, 'retry-after'))) return this.#proceed(context, now);
    // RFC 5626 7: "If a request for a particular AOR and instance-id fails with a 430 (Flow Failed) response, the proxy SHOULD replace the failed
    // branch with another target (if one is available) with the same AOR and instance-id, but a different reg-id", and so after a 408. Any other
    // final answer is that of the telephone.
    if ((m.status === 430 || m.status === 408) && this.#nextFlow(context, branch)) return this.#proceed(context, now);
    if (m.status < 400 && this.#redirect(m, context, branch)) return this.#proceed(context, now);
    return this.#failed(context, { status: m.status, message: m }, now);
  }

  /** The client transaction of a branch has ended without a final response. */
  event(event: TransactionEvent, now: number): Action[] {
    const found = event.side === 'client' ? this.#contexts.ofClient(event.id) : undefined;
    if (found === undefined || found.branch.completed) return [];
    const { context, branch } = found;
    this.#contexts.complete(context, branch);
    if (context.finalSent) return [];
    // RFC 3261 18.1.1: "if the attempt to establish the connection generates either an ICMP Protocol Not Supported, or results in a TCP
    // reset, the element SHOULD retry the request, using UDP."
    if (event.type === 'transport-error' && branch.datagram !== undefined && !context.cancelled) {
      this.#large.refused(branch.datagram.target, now);
      context.ready = [branch.datagram, ...context.ready];
      return this.#proceed(context, now);
    }
    // RFC 3263 4.3: "Failure also occurs if the transaction layer times out without ever having received any response, provisional or final".
    if (!branch.heard && this.#failOver(context, branch, now, undefined, event)) return this.#proceed(context, now);
    if ((event.type === 'transport-error' || event.method === 'INVITE') && this.#nextFlow(context, branch))
      return this.#proceed(context, now);
    if (event.type === 'transport-error' && branch.gone) {
      return this.#failed(context, { status: branch.gone.status, refusal: branch.gone }, now);
    }
    // RFC 3261 16.9: "If the transport layer notifies a proxy of an error when it tries to forward a request, the proxy MUST behave as if the
    // forwarded request received a 503 response."
    if (event.type === 'transport-error') return this.#failed(context, UNREACHABLE, now);
    // RFC 4320: a non-INVITE request has no more time than one transaction has, and that is over.
    if (event.method !== 'INVITE') drop(context);
    return this.#failed(context, context.cancelled ? CANCELLED : TIMEOUT, now);
  }

  /** RFC 3261 16.10: the caller gives up, by that CANCEL. RFC 3326: why he does is passed on. */
  cancel(m: Message, context: ResponseContext, now: number): Action[] {
    if (context.finalSent) return [];
    context.cancelled = true;
    const reason = header(m, 'reason');
    return this.#stop(context, now, reason === undefined ? [] : [['Reason', reason]]);
  }

  /**
   * The server of that branch has failed, which is remembered. Whether another one is tried now. RFC 3263 4.3: "the client SHOULD create a new
   * request, which is identical to the previous, but has a different value of the Via branch ID than the previous". RFC 4320: a non-INVITE
   * request at which one server was silent has no time for another; those that come after it go there.
   */
  #failOver(context: ResponseContext, branch: ClientBranch, now: number, retryAfter?: string, event?: TransactionEvent): boolean {
    if (branch.server === undefined) return false;
    this.#parts.routing.servers.failed(branch.server, now, retryAfter);
    const late = event?.type === 'timeout' && event.method !== 'INVITE';
    if (branch.next === undefined || late || context.cancelled || (context.best?.status ?? 0) >= 600) return false;
    context.ready = [branch.next, ...context.ready];
    return true;
  }

  /** Whether the next flow of the same telephone is tried. */
  #nextFlow(context: ResponseContext, { flow }: ClientBranch): boolean {
    if (flow === undefined || context.cancelled || (context.best?.status ?? 0) >= 600) return false;
    context.ready = [flow, ...context.ready];
    return true;
  }

  /** The caller's transaction is over. */
  abandon(context: ResponseContext, now: number): Action[] {
    if (context.finalSent) return [];
    context.cancelled = true;
    return this.#stop(context, now, []);
  }

  #success(m: Message, context: ResponseContext, { callee }: ClientBranch, now: number): Action[] {
    // Step 5: "a stateful proxy MUST NOT forward a final response after one has been sent", but for "any 2xx response to an INVITE".
    if (context.finalSent && context.request.method !== 'INVITE') return [];
    context.finalSent = true;
    const actions = this.#relay(m, context, callee, now);
    // Step 10: "If the forwarded response was a final response, the proxy MUST generate a CANCEL request for all pending client
    // transactions associated with this response context."
    if (context.pending > 0) actions.push(...this.#stop(context, now, ELSEWHERE));
    drop(context);
    for (const other of context.callees) if (other !== callee) this.#tellRefusal(REFUSALS.cancelled, context, other);
    if (context.callees.length !== 1 || context.callees[0] !== callee) context.callees = [callee];
    this.#contexts.release(context, this.#parts.sessionTimer !== undefined);
    return actions;
  }

  #failed(context: ResponseContext, final: Final, now: number): Action[] {
    context.best = better(context.best, final, context.cancelled);
    // Step 5: "If a 6xx response is received, it is not immediately forwarded, but the stateful proxy SHOULD cancel all client pending
    // transactions as described in Section 10, and it MUST NOT create any new branches in this context."
    if (final.status < 600) return this.#proceed(context, now);
    const text = 'message' in final ? final.message.reason : '';
    const stopped = this.#stop(context, now, [['Reason', `SIP;cause=${final.status};text=${quote(text)}`]]);
    return [...stopped, ...this.#proceed(context, now)];
  }

  /**
   * Step 4: "If the proxy recurses on all of the contacts in a 3xx response, the proxy SHOULD NOT add the resulting contactless response to
   * the response context." False where it is to go back as it is.
   */
  #redirect(m: Message, context: ResponseContext, { callee }: ClientBranch): boolean {
    const { request, flow, way } = context;
    const { routing } = this.#parts;
    if (context.cancelled || (context.best?.status ?? 0) >= 600) return false;
    if (context.tried.length === 0) context.tried = [request.uri, ...way.targets.flat().map((target) => target.uri)];
    const left = context.ready.length + context.waiting.reduce((sum, group) => sum + group.length, 0);
    const room = routing.maxBranches - context.branches.length - left;
    const edit = { popRoutes: way.popRoutes, pushRoutes: way.pushRoutes };
    const more = redirected(m, { request, flow, edit, tried: context.tried, room }, routing);
    if (more === undefined) return false;
    const [first, ...others] = more;
    // All that it names has been tried: there is nothing in it for the caller either.
    if (first === undefined) {
      context.best = better(context.best, LOOP);
      return true;
    }
    context.ready = [...context.ready, ...first];
    context.waiting = [...others, ...context.waiting];
    context.showsBreadth = true;
    leave(context, callee, m);
    return true;
  }

  /** No further targets, and no more of those that were tried. RFC 3261 9.1: each is sent its CANCEL when it has answered provisionally. */
  #stop(context: ResponseContext, now: number, reason: readonly HeaderField[]): Action[] {
    drop(context);
    const actions: Action[] = [];
    for (const { id, completed } of context.branches) if (!completed) actions.push(...this.#parts.table.cancel(id, now, reason));
    return actions;
  }

  /** What is next: the targets whose turn it is; when no branch is pending the next group; when there is none the answer. */
  #proceed(context: ResponseContext, now: number): Action[] {
    const actions: Action[] = [];
    for (;;) {
      if (context.ready.length === 0) {
        if (context.pending > 0) return actions;
        const [group, ...others] = context.waiting;
        if (group === undefined) return [...actions, ...this.#finish(context, now)];
        context.ready = group;
        context.waiting = others;
      }
      if (context.breadth < 1) return actions;
      // RFC 5393 5.3.3: "SIP proxies MUST NOT allow the Outgoing Max-Breadth to exceed the Incoming Max-Breadth in a given response
      // context": it is shared out among the branches, and where there are more targets than that, they wait for a branch to end.
      const count = Math.min(context.ready.length, context.breadth);
      const share = Math.floor(context.breadth / count);
      const batch = context.ready.slice(0, count);
      context.ready = context.ready.slice(count);
      for (const target of batch) actions.push(...this.#send(context, target, share, now));
    }
  }

  #send(context: ResponseContext, to: RouteTarget, breadth: number, now: number): Action[] {
    const one = this.#located(to, now);
    const branch = makeBranch(this.#parts.unique(), context.loop);
    const plain = this.#written(context, one, branch, breadth);
    if (plain === undefined) {
      const next = nextOf(one) ?? nextFlowOf(one);
      return next ? this.#send(context, next, breadth, now) : failedAtOnce(context, UNREACHABLE);
    }
    // The Via says how the request was sent, so one that is too large is written anew.
    const stream = this.#large.instead(one.target, plain.text.length, now);
    const streamed = stream && this.#written(context, { ...one, target: stream }, branch, breadth);
    return this.#begin(context, one, streamed ?? plain, breadth, streamed ? one : undefined, now);
  }

  /** RFC 3263: the target with the server to try first, and those after it. */
  #located(one: RouteTarget, now: number): RouteTarget {
    const [target, ...others] = this.#parts.routing.servers.of(one.target, now);
    if (target === one.target) return one;
    return { ...one, target, ...(others.length > 0 && { others }) };
  }

  /** The request as it goes to that target, from the address that leads there; undefined where there is none. */
  #written(context: ResponseContext, one: RouteTarget, branch: string, breadth: number) {
    const { self } = this.#parts.routing;
    const { request, flow, way, showsBreadth } = context;
    const outbound = self.pointFor(one.target, flow);
    if (outbound === undefined) return undefined;
    const path = { flow, inbound: self.pointOf(flow), outbound, branch, breadth: showsBreadth ? breadth : undefined };
    return { text: forwarded(request, way, one, path), branch, target: sentFrom(one.target, outbound) };
  }

  /** `datagram`: where it goes by UDP, should it not get there over a connection. */
  #begin(
    context: ResponseContext,
    one: RouteTarget,
    { text, branch, target }: { readonly text: string; readonly branch: string; readonly target: Target },
    breadth: number,
    datagram: RouteTarget | undefined,
    now: number,
  ): Action[] {
    const { table, observer } = this.#parts;
    const { request, flow, way } = context;
    const sent = table.send({ text, method: request.method, branch }, target, now);
    if (!sent.ok) return failedAtOnce(context, FULL);
    const callee = one.callee === undefined ? (way.callee ?? null) : one.callee;
    const [next, flowOn] = [nextOf(one), nextFlowOf(one)];
    const server = one.target.address === undefined ? {} : { server: one.target, ...(next && { next }) };
    this.#contexts.addBranch(context, {
      id: sent.id,
      callee,
      breadth,
      completed: false,
      ...(datagram && { datagram }),
      ...server,
      ...(flowOn && { flow: flowOn }),
      ...(one.gone && { gone: one.gone }),
    });
    const asked = one.callee === undefined ? {} : { asked: way.callee ?? null };
    observer.request(request, flow, callee ?? undefined, { ...one, branch, ...asked });
    return [...sent.actions];
  }

  /** Steps 3, 8, 9: without our Via, by the server transaction. */
  #relay(m: Message, context: ResponseContext, callee: Callee, now: number, add: readonly HeaderField[] = []): Action[] {
    const { table, observer } = this.#parts;
    const actions = [...table.respond(context.id, m.status, relayResponse(m, add), now)];
    observer.response(m, callee);
    if (context.gone !== undefined) this.#tellGone(context, context.gone);
    return actions;
  }

  /** Who redirected the call is out of it as soon as another has taken it up, and not before: the caller is in one call all the time. */
  #tellGone(context: ResponseContext, gone: ReadonlyMap<Callee, Message>): void {
    context.gone = undefined;
    for (const [callee, m] of gone) this.#parts.observer.response(m, callee);
    context.callees = context.callees.filter((callee) => !gone.has(callee));
  }

  /** Step 6: every branch has ended, and the best of what came goes back. */
  #finish(context: ResponseContext, now: number): Action[] {
    const { best = UNREACHABLE, request, flow, callees, way } = context;
    context.finalSent = true;
    context.gone = undefined;
    const [first = null, ...others] = callees;
    // "A proxy which receives a 503 (Service Unavailable) response SHOULD NOT forward it upstream unless it can determine that any
    // subsequent requests it might proxy will also generate a 503."
    if ('message' in best && (best.status !== 503 || way.sole)) {
      const add = isChallenge(best.status) ? collected(best.message, context.challenges) : [];
      const actions = this.#relay(best.message, context, first, now, add);
      for (const callee of others) this.#parts.observer.response(best.message, callee);
      return actions;
    }
    const made503 = best === UNREACHABLE && way.sole ? REFUSALS.pbxAway : undefined;
    const refusal = made503 ?? ('refusal' in best ? best.refusal : REFUSALS.noService);
    const text = answerText(request, flow, refusal, this.#parts.unique());
    // RFC 4320 4.2: "A transaction-stateful SIP element MUST NOT send a response with Status-Code of 408 to a non-INVITE request."
    // Presence is shown it all the same: a BYE that nobody answers ends the call.
    const silent = refusal.status === 408 && request.method !== 'INVITE';
    const actions = silent ? [] : this.#parts.table.respond(context.id, refusal.status, text, now);
    for (const callee of callees) this.#tellText(text, callee);
    return [...actions];
  }

  #tellRefusal(refusal: Refusal, { request, flow }: ResponseContext, callee: Callee): void {
    this.#tellText(answerText(request, flow, refusal, this.#parts.unique()), callee);
  }

  #tellText(text: string, callee: Callee): void {
    const made = scan(text, { headerBytes: text.length, headerCount: text.length, bodyBytes: text.length }, 'datagram');
    if (made.ok) this.#parts.observer.response(made.message, callee);
  }
}

/** Nothing further is tried. */
function drop(context: ResponseContext): void {
  context.ready = NOTHING;
  context.waiting = NOTHING;
}

function failedAtOnce(context: ResponseContext, final: Final): Action[] {
  context.best = better(context.best, final);
  return [];
}

/** RFC 3263 4.3: the same request for the next server. */
function nextOf({ others = [], ...one }: RouteTarget): RouteTarget | undefined {
  const [target, ...left] = others;
  return target && { ...one, target, ...(left.length > 0 && { others: left }) };
}

/** RFC 5626 7: the same request by the next flow of the same telephone. */
function nextFlowOf({ flows = [], callee }: RouteTarget): RouteTarget | undefined {
  const [next, ...left] = flows;
  return next && { ...next, ...(callee === undefined ? {} : { callee }), ...(left.length > 0 && { flows: left }) };
}

/** A user whose last telephone has redirected the call is out of it. */
function leave(context: ResponseContext, callee: Callee, m: Message): void {
  if (context.branches.some((branch) => branch.callee === callee && !branch.completed)) return;
  context.gone ??= new Map();
  context.gone.set(callee, m);
}

/** The target, with the address to send from: that which stands in Via, or which the one in Via stands for, so that answers find it. */
export const sentFrom = (target: Target, { address, port, bound }: ListenPoint): Target => ({
  ...target,
  local: bound ?? { address, port },
});

const NOTHING: readonly TargetGroup[] & readonly RouteTarget[] = [];

/** RFC 3326 2, 3: so that the telephones that lost show no missed call. */
export const ELSEWHERE: readonly HeaderField[] = [['Reason', 'SIP;cause=200;text="Call completed elsewhere"']];

const UNREACHABLE: Final = { status: 503, refusal: REFUSALS.noService };
const FULL: Final = { status: 503, refusal: REFUSALS.full };
const TIMEOUT: Final = { status: 408, refusal: REFUSALS.timeout };
const CANCELLED: Final = { status: 487, refusal: REFUSALS.cancelled };
/** RFC 3261 16.3 step 4 in spirit: redirected to where it had been. */
const LOOP: Final = { status: 482, refusal: REFUSALS.loop };
