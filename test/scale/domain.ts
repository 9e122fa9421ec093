import { boardsOf } from '../../worker/objects/shard.ts';
import { Busiest, Seconds, type Tally } from './tally.ts';

/** Users that are watched by name by so many colleagues each. */
export const COLLEAGUES = 10;
/** Rows that a webhook writes for an event (docs/webhooks.md, docs/cost.md: "about five rows an event"). */
const HOOK_ROWS = 5;
/** A board that told a webhook something looks so long after whether that was confirmed (`OBJECT_LIMITS.hookRepeat`), ms. */
const HOOK_REPEAT = 10_000;

/** What a user's object hands to a board. */
export interface BoardNews {
  readonly user: string;
  readonly visible: boolean;
}

/** The boards of one domain, its list server and its webhook, as far as they are counted: what each is asked in a second. */
export class Domain {
  readonly name: string;
  readonly #boards: ReadonlyMap<string, Seconds>;
  /** Frames that each board sends to those who watch its users by name. */
  readonly #frames: ReadonlyMap<string, Seconds>;
  /** Changes that are pushed to whoever watches the whole domain. */
  readonly changes: Seconds;
  /** What the webhook of the domain is told by the boards, requests. */
  readonly hook: Seconds | undefined;
  readonly #alarms = new Map<string, number>();
  readonly #listed = new Map<string, Set<string>>();
  /** Sites that compare what they hold ask each board, each at its own time. */
  readonly compared = new Busiest();

  constructor(name: string, shards: number, from: number, to: number, hook: boolean) {
    this.name = name;
    this.#boards = new Map(boardsOf(name, shards).map((board) => [board, new Seconds(from, to)]));
    this.#frames = new Map(boardsOf(name, shards).map((board) => [board, new Seconds(from, to)]));
    this.changes = new Seconds(from, to);
    this.hook = hook ? new Seconds(from, to) : undefined;
  }

  /** One request to a board with changes of users. */
  put(board: string, news: readonly BoardNews[], at: number, tally: Tally): void {
    this.#boards.get(board)?.add(at);
    const users = new Set(news.map(({ user }) => user));
    const listed = this.#listed.get(board) ?? new Set();
    this.#listed.set(board, listed);
    for (const user of users) listed.add(user);
    tally.count('board requests', at);
    // One row for each user whose document is a newer one: each of these is.
    tally.count('board rows written', at, users.size);
    tally.count('board rows read', at, users.size);
    const visible = news.filter((change) => change.visible).length;
    if (visible === 0) return;
    this.changes.add(at, visible);
    this.#frames.get(board)?.add(at, visible * COLLEAGUES);
    tally.count('changes', at, visible);
    tally.count('frames to colleagues', at, visible * COLLEAGUES);
    if (this.hook !== undefined) this.#tellHook(board, visible, at, tally);
  }

  /** A site compares what it holds: the board looks at all of its users. */
  compare(board: string, at: number, tally: Tally): void {
    this.#boards.get(board)?.add(at);
    this.compared.add(board, at);
    tally.count('board requests', at);
    tally.count('board rows read', at, this.#listed.get(board)?.size ?? 0);
  }

  /** The most that one of the boards is asked in a second. */
  get busiest(): number {
    return Math.max(0, ...[...this.#boards.values()].map((board) => board.most));
  }

  /** The most frames that one of the boards sends in a second. */
  get frames(): number {
    return Math.max(0, ...[...this.#frames.values()].map((board) => board.most));
  }

  /** By spans of `seconds`, the most that any of the boards is asked in a second of it. */
  peaks(seconds: number): number[] {
    const all = [...this.#boards.values()].map((board) => board.peaks(seconds));
    return (all[0] ?? []).map((_, n) => Math.max(...all.map((peaks) => peaks[n] ?? 0)));
  }

  /** As many requests as there can be: none of them waits for the one before and takes its news along. */
  #tellHook(board: string, events: number, at: number, tally: Tally): void {
    this.hook?.add(at);
    tally.count('hook requests', at);
    tally.count('hook rows written', at, events * HOOK_ROWS);
    // The board notes how far the webhook has confirmed.
    tally.count('board rows written', at);
    const armed = this.#alarms.get(board);
    if (armed !== undefined && armed > at) return;
    if (armed !== undefined) tally.count('board alarms fired', armed);
    this.#alarms.set(board, at + HOOK_REPEAT);
    tally.count('board alarms set', at);
  }
}
