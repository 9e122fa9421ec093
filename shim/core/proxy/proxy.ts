import { type Message, topVia } from '../sip/index.ts';
import type { Action, TransactionEvent } from '../transaction/types.ts';
import { type Flow, responseTarget } from '../transport.ts';
import { answerText } from './answer.ts';
import { isLoop, loopHash, makeBranch } from './branch.ts';
import { forwarded } from './forward.ts';
import { REFUSALS, type Refusal } from './refusal.ts';
import { ResponseContexts } from './response-context.ts';
import { cancelRestored, type RestoredParts, strayResponse } from './restored.ts';
import { route } from './route.ts';
import { timed } from './session-timer.ts';
import { type SearchParts, sentFrom, TargetSearch } from './target-search.ts';
import { validate } from './validate.ts';

export type { Observer } from './target-search.ts';

export type ProxyParts = SearchParts & RestoredParts;

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
  acknowledge(m: Message, flow: Flow, now: number): Action[] {
    const { routing, observer, unique } = this.#parts;
    const way = route(m, routing, flow);
    if (way.kind !== 'forward' || validate(m)) return [];
    const loop = loopHash(m, m.uri);
    if (isLoop(m, loop, routing.self)) return [];
    const actions: Action[] = [];
    // Nobody answers an ACK: where its peer has several telephones, those that do not have the dialog drop it (RFC 3261 17.1.1.3, 13.2.2.4).
    for (const to of way.targets.flat().flatMap((one) => [one, ...(one.flows ?? [])])) {
      const target = routing.servers.first(to.target, now);
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

  /** A response without a transaction: of use where its call was taken up from disk. */
  stray(m: Message, now: number): Action[] {
    return strayResponse(m, this.#parts, now);
  }

  /** What the transaction layer tells of its transactions. */
  event(event: TransactionEvent, now: number): Action[] {
    if (event.type !== 'terminated') return this.#search.event(event, now);
    // Nobody waits for an answer any more, nor could he cancel what still rings.
    const context = event.side === 'server' ? this.contexts.ofServer(event.id) : undefined;
    this.contexts.terminated(event.id, event.side);
    return context === undefined ? [] : this.#search.abandon(context, now);
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
    if (context !== undefined) return [...this.refuse(id, m, flow, OK, now), ...this.#search.cancel(m, context, now)];
    const actions = cancelRestored(m, flow, this.#parts, now);
    return [...this.refuse(id, m, flow, actions.length > 0 ? OK : REFUSALS.noTransaction, now), ...actions];
  }
}

const OK: Refusal = { status: 200, reason: 'OK', headers: [] };
