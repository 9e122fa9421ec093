import type { Message } from '../sip/index.ts';
import type { Flow } from '../transport.ts';
import type { Final } from './best-response.ts';
import type { Forward, TargetGroup } from './route.ts';

/** One client transaction of a response context: where the request was sent on. */
export interface ClientBranch {
  /** Client transaction. */
  readonly id: string;
  /** Its final response has come, or it has failed. */
  completed: boolean;
}

/** RFC 3261 16.7: what the proxy keeps of a request while its responses are outstanding. */
export interface ResponseContext {
  /** Server transaction. */
  readonly id: string;
  readonly request: Message;
  readonly flow: Flow;
  readonly way: Forward;
  /** Where the routing decision can be known again (RFC 3261 16.6 step 8). */
  readonly loop: string;
  readonly branches: ClientBranch[];
  /** The groups of the target set that have not been tried yet. */
  waiting: readonly TargetGroup[];
  /** The best final response so far that has not been sent. */
  best: Final | undefined;
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

  open(id: string, request: Message, flow: Flow, way: Forward, loop: string): ResponseContext {
    const context: ResponseContext = {
      id,
      request,
      flow,
      way,
      loop,
      branches: [],
      waiting: way.targets,
      best: undefined,
      cancelled: false,
      finalSent: false,
    };
    this.#byServer.set(id, context);
    return context;
  }

  addBranch(context: ResponseContext, branch: ClientBranch): void {
    context.branches.push(branch);
    this.#byClient.set(branch.id, context);
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
  terminated(id: string): void {
    this.#byServer.delete(id);
    this.#byClient.delete(id);
  }
}
