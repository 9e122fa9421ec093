import { type Message, relayResponse, topVia, vias } from '../sip/index.ts';
import type { Action, TransactionEvent } from '../transaction/types.ts';
import { type Flow, responseTarget, viaTarget } from '../transport.ts';
import { answerText } from './answer.ts';
import { isLoop, loopHash, makeBranch } from './branch.ts';
import { forwarded } from './forward.ts';
import { REFUSALS, type Refusal } from './refusal.ts';
import { ResponseContexts } from './response-context.ts';
import { route } from './route.ts';
import { timed } from './session-timer.ts';
import { type SearchParts, type SentOn, sentFrom, TargetSearch } from './target-search.ts';
import { validate } from './validate.ts';

export type { Observer } from './target-search.ts';

export interface ProxyParts extends SearchParts {
  /** Is the call of that response one that was taken up from disk (its transactions are gone). */
  readonly isRestored: (m: Message) => boolean;
  /** Where the INVITE of that CANCEL for `callee` was sent on, where its call is such a one: every branch that may still ring. */
  readonly restoredBranches: (m: Message, callee: string | null) => readonly Partial<SentOn>[];
}

/** RFC 3261 16: the stateful proxy. Bytes go out as actions; it keeps the response contexts and nothing else. */
export class StatefulProxy {
  readonly #parts: ProxyParts;
  readonly contexts = new ResponseContexts();
  readonly #search: TargetSearch;

  constructor(parts: ProxyParts) {
    this.#parts = parts;
    this.#search = new TargetSearch(parts, this.contexts);
  }

  /** A request in a new server transaction `id`. 'own' where it is for this element itself, and nothing was done. */
  request(m: Message, flow: Flow, id: string, now: number): Action[] | 'own' {
    if (m.method === 'CANCEL') return this.#cancel(m, flow, id, now);
    const { routing } = this.#parts;
    const way = route(m, routing, flow);
    if (way.kind === 'own') return 'own';
    const refusal = validate(m) ?? (way.kind === 'refuse' ? way.refusal : undefined);
    if (refusal || way.kind === 'refuse') return this.refuse(id, m, flow, refusal ?? REFUSALS.away, now);
    const loop = loopHash(m, m.uri);
    if (isLoop(m, loop, routing.self)) return this.refuse(id, m, flow, REFUSALS.loop, now);
    const { sessionTimer } = this.#parts;
    const asked = sessionTimer ? timed(m, sessionTimer) : m;
    if (!('text' in asked)) return this.refuse(id, m, flow, asked, now);
    const started = this.#search.start(asked, way, { flow, loop }, id, now);
    return Array.isArray(started) ? started : this.refuse(id, m, flow, started, now);
  }

  /** An ACK without a transaction: it belongs to a 2xx and is relayed as it is (RFC 3261 16.6, 17: "forwarded statelessly"). */
  acknowledge(m: Message, flow: Flow): Action[] {
    const { routing, observer, unique } = this.#parts;
    const way = route(m, routing, flow);
    if (way.kind !== 'forward' || validate(m)) return [];
    const loop = loopHash(m, m.uri);
    if (isLoop(m, loop, routing.self)) return [];
    const actions: Action[] = [];
    // Nobody answers an ACK: where its peer has several telephones, those that do not have the dialog drop it (RFC 3261 17.1.1.3, 13.2.2.4).
    for (const to of way.targets.flat()) {
      const { target } = to;
      const outbound = routing.self.pointFor(target, flow);
      if (outbound === undefined) continue;
      const branch = makeBranch(unique(), loop);
      const text = forwarded(m, way, to, { flow, inbound: routing.self.pointOf(flow), outbound, branch });
      if (actions.length === 0) observer.request(m, flow, way.callee, { ...to, branch });
      actions.push({ type: 'send', text, target: sentFrom(target, outbound), id: '' });
    }
    return actions;
  }

  /** RFC 3261 16.7: a response that the transaction layer delivers for client transaction `id`. */
  response(m: Message, id: string, now: number): Action[] {
    return this.#search.response(m, id, now);
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
    if (event.type !== 'terminated') return this.#search.event(event, now);
    this.contexts.terminated(event.id);
    return [];
  }

  /** Answers a request from here, in its transaction. */
  refuse(id: string, m: Message, flow: Flow, refusal: Refusal, now: number): Action[] {
    return [...this.#parts.table.respond(id, refusal.status, this.answer(m, flow, refusal), now)];
  }

  /** The text of an answer of this element's own. */
  answer(m: Message, flow: Flow, refusal: Refusal): string {
    return answerText(m, flow, refusal, this.#parts.unique());
  }

  /** Answers a request that cannot be understood, as far as it can be answered: without a transaction, since it may not have what makes one. */
  reject(m: Message, flow: Flow, refusal: Refusal): Action[] {
    const via = topVia(m);
    if (via === undefined || m.method === 'ACK') return [];
    return [{ type: 'send', text: this.answer(m, flow, refusal), target: responseTarget(via, flow), id: '' }];
  }

  /** RFC 3261 16.10, 9.2. */
  #cancel(m: Message, flow: Flow, id: string, now: number): Action[] {
    const invite = this.#parts.table.matchCancel(m);
    const context = invite === undefined ? undefined : this.contexts.ofServer(invite);
    if (context === undefined)
      return this.#cancelRestored(m, flow, id, now) ?? this.refuse(id, m, flow, REFUSALS.noTransaction, now);
    return [...this.refuse(id, m, flow, OK, now), ...this.#search.cancel(m, context, now)];
  }

  /**
   * RFC 3261 16.10: "If a response context is not found, the element does not have any knowledge of the request to apply the CANCEL to. It
   * MUST statelessly forward the CANCEL request". What is known of a call that rang when the process was killed are the branches of its
   * INVITE: each phone knows it by its own (9.1), and at each of them it must stop.
   */
  #cancelRestored(m: Message, flow: Flow, id: string, now: number): Action[] | undefined {
    const { routing, table, restoredBranches } = this.#parts;
    const way = route(m, routing, flow);
    if (way.kind !== 'forward' || validate(m)) return undefined;
    const actions: Action[] = [];
    const best = way.targets[0][0];
    for (const { branch, uri = best?.uri, target = best?.target } of restoredBranches(m, way.callee ?? null)) {
      const outbound = target && routing.self.pointFor(target, flow);
      if (!branch || uri === undefined || target === undefined || outbound === undefined) continue;
      const text = forwarded(m, way, { uri, target }, { flow, inbound: routing.self.pointOf(flow), outbound, branch });
      const sent = table.send({ text, method: 'CANCEL', branch }, sentFrom(target, outbound), now);
      if (sent.ok) actions.push(...sent.actions);
    }
    return actions.length === 0 ? undefined : [...this.refuse(id, m, flow, OK, now), ...actions];
  }
}

const OK: Refusal = { status: 200, reason: 'OK', headers: [] };
