import type { BoardStore } from './board-store.ts';
import { OBJECT_LIMITS } from './limits.ts';
import { markOf, NOTHING_YET, placeOf } from './mark.ts';
import type { News, NewsSubscriber } from './news.ts';

/** What a watcher missed. */
export interface Missed {
  /** Every change (true), or of each user the newest document alone: what lies between is in the user's history. A deletion has no text (`deletionNews`). */
  readonly exact: boolean;
  readonly changes: readonly { readonly user: string; readonly text: string; readonly seq: number }[];
}

/**
 * The feed of a board: every change that watchers are told, in the order of its number. The newest are kept in memory; of those that
 * are not, or after memory was lost, the newest document of each user is told from the store.
 */
export class Feed implements NewsSubscriber {
  readonly #store: BoardStore;
  #log: News[] = [];
  #size = 0;
  /** The log has every change above this number; undefined while that is the last one that was stored when this board was loaded. */
  #floor: number | undefined;

  constructor(store: BoardStore) {
    this.#store = store;
  }

  /** The mark of whoever knows everything as of now. */
  get mark(): string {
    return this.markAt(this.#store.seq);
  }

  /** The mark of whoever was told the change of that number last. */
  markAt(seq: number): string {
    const { epoch } = this.#store;
    return epoch === 0 ? NOTHING_YET : markOf({ epoch, seq });
  }

  tell(news: readonly News[]): void {
    for (const change of news) this.#size += change.text.length;
    this.#log.push(...news);
    this.#trim();
  }

  /** What came after a mark, of those users (undefined for all); undefined where that cannot be told, and a fresh snapshot is needed. */
  since(mark: string, users?: readonly string[]): Missed | undefined {
    const seq = this.#seqOf(mark);
    if (seq === undefined) return undefined;
    if (seq >= (this.#floor ?? this.#store.loaded)) {
      const wanted = users && new Set(users);
      const at = this.#log.findIndex((change) => change.seq > seq);
      const changes = at < 0 ? [] : this.#log.slice(at);
      return { exact: true, changes: wanted ? changes.filter(({ user }) => wanted.has(user)) : changes };
    }
    // To whom knows that there was nobody, everybody is a change, and whoever went since is none.
    if (seq < this.#store.floor && mark !== NOTHING_YET) return undefined;
    return { exact: false, changes: this.#store.changedSince(seq, users) };
  }

  /** The documents of a user up to a version are told no more: their data are deleted. That they were deleted is. */
  forget(user: string, through: number): void {
    this.#log = this.#log.filter((change) => change.user !== user || change.version > through || change.text === '');
    this.#size = this.#log.reduce((sum, { text }) => sum + text.length, 0);
  }

  /** A number was given to what watchers are not told: what came before cannot be gone on from. */
  cut(): void {
    this.#log = [];
    this.#size = 0;
    this.#floor = this.#store.seq;
  }

  /** The number that a mark stands for; undefined where it is none of this board. */
  #seqOf(mark: string): number | undefined {
    if (mark === NOTHING_YET) return 0;
    const place = placeOf(mark);
    const { epoch, seq } = this.#store;
    // A number that this board has not given yet is of another life of its storage too.
    return place !== undefined && place.epoch === epoch && place.seq <= seq ? place.seq : undefined;
  }

  /** Old changes go by a quarter of the limit at a time, so that a full log costs no more than one that is not. */
  #trim(): void {
    const { feedChanges, feedText } = OBJECT_LIMITS;
    if (this.#log.length <= feedChanges && this.#size <= feedText) return;
    let gone = 0;
    while (gone < this.#log.length && (this.#log.length - gone > feedChanges * 0.75 || this.#size > feedText * 0.75)) {
      const change = this.#log[gone++] as News;
      this.#size -= change.text.length;
      this.#floor = change.seq;
    }
    this.#log = this.#log.slice(gone);
  }
}
