import { type Message, notDecoded } from '../sip/message.ts';
import type { Side } from '../transaction/types.ts';
import type { Flow, Target } from '../transport.ts';
import type { Final } from './best-response.ts';
import type { Refusal } from './refusal.ts';
import type { Forward, RouteTarget, TargetGroup } from './route.ts';

/** The local user whom a request is for; null where it is for none. */
export type Callee = string | null;

/** One client transaction of a response context: where the request was sent on. */
export interface ClientBranch {
  /** Client transaction. */
  readonly id: string;
  readonly callee: Callee;
  /** RFC 5393: its part of the Max-Breadth of the request. */
  readonly breadth: number;
  /** It was sent over a connection for its size alone: where it goes by UDP, should that fail (RFC 3261 18.1.1). */
  readonly datagram?: RouteTarget;
  /** RFC 3263 4.3: the server of a name that it was sent to, and what is tried after it. */
  readonly server?: Target;
  readonly next?: RouteTarget;
  /** RFC 5626 7: the next flow of the telephone that it was sent to; and what is told where its flow is gone and there is no other. */
  readonly flow?: RouteTarget;
  readonly gone?: Refusal;
  /** A provisional response has come: the server is there. */
  heard?: true;
  /** Its final response has come, or it has failed. */
  completed: boolean;
}

/** RFC 3261 16.7: what the proxy keeps of a request while its responses are outstanding. */
export interface ResponseContext {
  /** Server transaction. */
  readonly id: string;
  /** Of one that was answered nothing but the method, but for session timers (`release`). */
  request: Message;
  readonly flow: Flow;
  /** Nowhere, once it was answered (`release`). */
  way: Forward;
  /** By what the routing decision is known again (RFC 3261 16.6 step 8). */
  readonly loop: string;
  readonly branches: ClientBranch[];
  /** Branches without a final response. */
  pending: number;
  /** Targets whose turn it is, and that wait for Max-Breadth to become free. */
  ready: readonly RouteTarget[];
  /** The groups of the target set whose turn has not come. */
  waiting: readonly TargetGroup[];
  /** RFC 5393 5.3.3: what is left of the Max-Breadth of the request. */
  breadth: number;
  /** Whether the requests sent on carry a Max-Breadth. */
  showsBreadth: boolean;
  /** The target set, where a redirection was followed: URIs that are not tried again. */
  tried: string[];
  /** The best final response so far that has not been sent, and the challenges among all of them. */
  best: Final | undefined;
  challenges: Message[];
  /** Whom the request was sent on to and who has not been told of its end; and those of them who redirected it, by the redirection. */
  callees: Callee[];
  gone: Map<Callee, Message> | undefined;
  /** The caller has given up (RFC 3261 16.10). */
  cancelled: boolean;
  /** A final response went back. Only further 2xx to INVITE may follow. */
  finalSent: boolean;
}

/** The live response contexts, by server transaction and by client transaction. Bounded by the transaction table. */
export class ResponseContexts {
  readonly #byServer = new Map<string, ResponseContext>();
  readonly #byClient = new Map<string, ResponseContext>();

  get size(): number {
    return this.#byServer.size;
  }

  /** Client transactions under which something may still come. */
  get branches(): number {
    return this.#byClient.size;
  }

  open(parts: Pick<ResponseContext, 'id' | 'request' | 'flow' | 'way' | 'loop' | 'breadth' | 'showsBreadth'>): ResponseContext {
    const context: ResponseContext = {
      ...parts,
      branches: [],
      pending: 0,
      ready: NONE,
      waiting: parts.way.targets,
      tried: [],
      best: undefined,
      challenges: [],
      callees: [],
      gone: undefined,
      cancelled: false,
      finalSent: false,
    };
    this.#byServer.set(parts.id, context);
    return context;
  }

  addBranch(context: ResponseContext, branch: ClientBranch): void {
    context.branches.push(branch);
    context.pending += 1;
    context.breadth -= branch.breadth;
    if (!context.callees.includes(branch.callee)) context.callees.push(branch.callee);
    this.#byClient.set(branch.id, context);
  }

  /** A branch has its final response, or has failed. RFC 5393 5.3.3.1: its part of the Max-Breadth is free for others. */
  complete(context: ResponseContext, branch: ClientBranch): void {
    if (branch.completed) return;
    branch.completed = true;
    context.pending -= 1;
    context.breadth += branch.breadth;
  }

  /**
   * A final response went back. A context waits for as long as its transactions do, half a minute: where nothing more can come it is forgotten at
   * once, and of what waits for further 2xx to an INVITE all is that is not needed for them. `whole`: the request is.
   */
  release(context: ResponseContext, whole: boolean): void {
    if (context.pending > 0) return;
    if (context.request.method !== 'INVITE') {
      this.#byServer.delete(context.id);
      for (const { id } of context.branches) this.#byClient.delete(id);
      return;
    }
    if (!whole) context.request = ANSWERED;
    context.way = NOWHERE;
    context.challenges = [];
    context.best = undefined;
  }

  /** The context of a server transaction. */
  ofServer(id: string): ResponseContext | undefined {
    return this.#byServer.get(id);
  }

  /** The context and branch of a client transaction. */
  ofClient(id: string): { context: ResponseContext; branch: ClientBranch } | undefined {
    const context = this.#byClient.get(id);
    const branch = context?.branches.find((b) => b.id === id);
    return context && branch ? { context, branch } : undefined;
  }

  /** A transaction has ended: nothing more comes under its name. */
  terminated(id: string, side: Side): void {
    if (side === 'server') this.#byServer.delete(id);
    else this.#byClient.delete(id);
  }
}

const NONE: readonly RouteTarget[] = [];

const NOWHERE: Forward = { kind: 'forward', targets: [[]], popRoutes: 0, pushRoutes: [] };

/** What is left of an INVITE. */
const ANSWERED: Message = {
  ...{ text: '', method: 'INVITE', status: 0, reason: '', uri: '' },
  ...{ bodyStart: 0, headersStart: 0, headersEnd: 0, fields: [], decoded: notDecoded() },
};
