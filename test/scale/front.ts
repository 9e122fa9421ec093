import type { Update, UpdateAnswer, Verdict } from '#protocol';
import { boardOf } from '../../worker/objects/shard.ts';
import type { Chance } from '../support/mutate.ts';
import type { BoardNews, Domain } from './domain.ts';
import { SiteObject } from './site-object.ts';
import type { Tally } from './tally.ts';
import { UserObject } from './user-object.ts';

/** How long a user's object takes to answer, least and most, and a board; ms. */
const USER_TAKES = [4, 14] as const;
const BOARD_TAKES = 8;

/** News of a user on its way to a board. */
interface Parcel {
  readonly board: string;
  readonly at: number;
  readonly news: readonly BoardNews[];
}

/** An answer, and when it leaves the Worker, ms. */
export interface Answered<T> {
  readonly answer: T;
  readonly at: number;
}

/** The Worker as one site sees it: its routes, counted, with the objects of its users behind them. */
export class Front {
  readonly users = new Map<string, UserObject>();
  /** Users whose objects were asked: their alarms may be others now. */
  readonly touched = new Set<string>();
  readonly site: SiteObject;
  readonly #name: string;
  readonly #domain: Domain;
  readonly #shards: number;
  readonly #tally: Tally;
  readonly #chance: Chance;

  constructor(name: string, domain: Domain, shards: number, tally: Tally, chance: Chance) {
    this.#name = name;
    this.#domain = domain;
    this.#shards = shards;
    this.#tally = tally;
    this.#chance = chance;
    this.site = new SiteObject(tally);
  }

  /** `POST /v1/updates`, arrived at `now`: each user's object once, then the boards, those of one board together as `BoardPost` does it. */
  updates(epoch: number, items: readonly string[], now: number): Answered<UpdateAnswer> {
    this.site.request(now);
    const byUser = new Map<string, { readonly index: number; readonly update: Update }[]>();
    items.forEach((item, index) => {
      const update = JSON.parse(item) as Update;
      const known = byUser.get(update.user);
      if (known === undefined) byUser.set(update.user, [{ index, update }]);
      else known.push({ index, update });
    });
    const boards = new Set([...byUser.keys()].map((user) => boardOf(user, this.#shards)));
    const lease = this.site.renew(epoch, boards, now);
    const results = new Array<Verdict>(items.length);
    const parcels: Parcel[] = [];
    let at = now;
    for (const [user, its] of byUser) {
      this.touched.add(user);
      const done = now + USER_TAKES[0] + this.#chance() * (USER_TAKES[1] - USER_TAKES[0]);
      const updates = its.map(({ update }) => update);
      const { verdicts, changes } = this.#user(user).apply(this.#name, updates, Math.floor(done));
      its.forEach(({ index }, i) => {
        results[index] = verdicts[i] as Verdict;
      });
      at = Math.max(at, done);
      const news = changes.map(({ entry }) => ({ user, visible: entry !== undefined }));
      if (news.length > 0) parcels.push({ board: boardOf(user, this.#shards), at: done, news });
    }
    return { answer: { results, lease }, at: Math.ceil(Math.max(at, this.#post(parcels))) };
  }

  /** `POST /v1/sites/{site}/reconcile` with a page: every board of the site is asked, and nobody differs. */
  page(epoch: number, now: number) {
    this.site.request(now);
    const lease = this.site.renewAlways(epoch, [], now);
    for (const board of this.site.boards) this.#domain.compare(board, now, this.#tally);
    return { answer: { lease, differ: [], more: false }, at: now + BOARD_TAKES };
  }

  /** The same with the last word of a comparison. */
  done(epoch: number, round: number, now: number) {
    this.site.request(now);
    return { answer: { lease: this.site.reconciled(epoch, round, now), differ: [], more: false }, at: now + BOARD_TAKES };
  }

  /** The alarm of a user's object: what it changes it tells its board itself. */
  alarm(user: UserObject, now: number): void {
    const changes = user.alarm(now);
    if (changes.length === 0) return;
    const news = changes.map(({ entry }) => ({ user: user.name, visible: entry !== undefined }));
    this.#domain.put(boardOf(user.name, this.#shards), news, now, this.#tally);
  }

  #user(name: string): UserObject {
    const known = this.users.get(name);
    if (known !== undefined) return known;
    const made = new UserObject(name, this.#tally);
    this.users.set(name, made);
    return made;
  }

  /** `worker/routes/board-post.ts`: a board is told at once; what comes while a request to it is under way is told together in the next. When the last was answered. */
  #post(parcels: readonly Parcel[]): number {
    let last = 0;
    const lines = Map.groupBy(
      parcels.toSorted((a, b) => a.at - b.at),
      ({ board }) => board,
    );
    for (const [board, line] of lines) {
      let free = 0;
      while (line.length > 0) {
        const at = Math.max(free, (line[0] as Parcel).at);
        const until = line.findIndex((parcel) => parcel.at > at);
        const together = line.splice(0, until === -1 ? line.length : until);
        this.#domain.put(
          board,
          together.flatMap(({ news }) => news),
          Math.floor(at),
          this.#tally,
        );
        free = at + BOARD_TAKES;
      }
      last = Math.max(last, free);
    }
    return last;
  }
}
