import type { Asker } from './asker.ts';
import { type Link, openEvents, openSocket, watchQuery } from './links.ts';
import type { WebSocketLike } from './options.ts';
import { OffhookProblem } from './problem.ts';
import { newWatch, step, type WatchAction, type WatchInput, type WatchState } from './watch-state.ts';
import type { WatchCondition, WatchEvent, Watched, Way } from './watch-types.ts';

/** Who is told. */
export interface Following {
  tell(event: WatchEvent): void;
  /** To be called once all that was told before has been taken. */
  acknowledge(ack: () => void): void;
  condition(condition: WatchCondition): void;
  /** No further attempt. */
  failed(problem: OffhookProblem): void;
  /** Whether all that was told has been taken. */
  isTaken(): boolean;
}

/** The shell of a watch: does what `step` says, with connections and one timer. */
export class Follower {
  readonly #asker: Asker;
  readonly #watched: Watched;
  readonly #socket: WebSocketLike | null;
  readonly #following: Following;
  #state: WatchState;
  #link: Link | undefined;
  /** Counts connections: what an earlier one says is nothing any more. */
  #connection = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(asker: Asker, watched: Watched, since: string | undefined, socket: WebSocketLike | null, following: Following) {
    this.#asker = asker;
    this.#watched = watched;
    this.#socket = socket;
    this.#following = following;
    this.#state = newWatch(since, socket !== null);
  }

  start(): void {
    this.#take({ is: 'start' });
  }

  /** Tries again now, where it is waiting to. */
  retry(): void {
    this.#take({ is: 'retry' });
  }

  /** All that was told has been taken. */
  taken(): void {
    if (this.#state.phase === 'held') this.#take({ is: 'taken' });
  }

  stop(): void {
    this.#take({ is: 'stop' });
  }

  #take(input: WatchInput): void {
    const { state, actions } = step(this.#state, input, Date.now(), Math.random());
    const moved = state.deadline !== this.#state.deadline;
    this.#state = state;
    if (moved) this.#arm(state.deadline);
    for (const action of actions) this.#do(action);
  }

  #do(action: WatchAction): void {
    switch (action.do) {
      case 'open':
        void this.#open(action.way, action.cursor);
        return;
      case 'close':
        this.#connection += 1;
        this.#link?.close();
        this.#link = undefined;
        return;
      case 'ping':
        this.#link?.ping();
        return;
      case 'ack': {
        const link = this.#link;
        this.#following.acknowledge(() => link?.ack());
        return;
      }
      case 'tell':
        this.#following.tell(action.event);
        return;
      case 'condition':
        this.#following.condition(action.condition);
        return;
      case 'fail':
        this.#following.failed(action.problem);
    }
  }

  async #open(way: Way, cursor: string | undefined): Promise<void> {
    this.#link?.close();
    this.#link = undefined;
    const connection = ++this.#connection;
    const tell = (input: WatchInput) => {
      if (connection === this.#connection) this.#take(input);
    };
    try {
      const token = await this.#asker.token();
      if (connection !== this.#connection) return;
      const query = watchQuery(this.#watched, cursor);
      this.#link =
        way === 'websocket' && this.#socket !== null
          ? openSocket(this.#socket, this.#asker.base, token, query, tell)
          : openEvents(this.#asker, token, query, tell);
    } catch (error) {
      // No token to be had, or one that a sub-protocol cannot hold.
      if (error instanceof OffhookProblem) tell({ is: 'refused', problem: error });
      else tell({ is: 'closed', why: error instanceof Error ? error.message : String(error) });
    }
  }

  /** A timer that is early by the runtime's rounding finds nothing due; so the deadline is armed again until it has come. */
  #arm(deadline: number | undefined): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (deadline === undefined) return;
    this.#timer = setTimeout(
      () => {
        if (Date.now() < deadline) this.#arm(deadline);
        else this.#take({ is: 'time', taken: this.#following.isTaken() });
      },
      Math.max(0, deadline - Date.now()),
    );
  }
}
