import type { BoardChange } from './board-feed.ts';
import { OBJECT_LIMITS } from './limits.ts';
import type { News } from './news.ts';
import { Schema } from './schema.ts';
import { type SeenRow, StaleSites } from './stale-sites.ts';

/** Tables of a board, by version. */
const STEPS = [
  `CREATE TABLE users (user TEXT PRIMARY KEY, version INTEGER NOT NULL, status TEXT NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE watches (id TEXT PRIMARY KEY, users TEXT NOT NULL) WITHOUT ROWID;`,
  // The number stands before the document, so that a scan for it reads no long documents.
  `CREATE TABLE numbered (user TEXT PRIMARY KEY, version INTEGER NOT NULL, status TEXT NOT NULL, seq INTEGER NOT NULL, document TEXT NOT NULL)
     WITHOUT ROWID;
   INSERT INTO numbered SELECT user, version, status, 0, document FROM users;
   DROP TABLE users;
   ALTER TABLE numbered RENAME TO users;
   CREATE TABLE feed (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL, seq INTEGER NOT NULL, floor INTEGER NOT NULL);
   INSERT INTO feed VALUES (1, 1 + abs(random() % 1000000000), 0, 0);`,
  'CREATE TABLE hooks (id TEXT PRIMARY KEY, board TEXT NOT NULL, kind TEXT NOT NULL, users TEXT NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID;',
  // Sites that ever reported a user (an empty text: those in the document), and sites that were lost: since when (0: in touch again).
  `ALTER TABLE users ADD COLUMN sites TEXT NOT NULL DEFAULT '';
   CREATE TABLE stale_sites (site TEXT PRIMARY KEY, since INTEGER NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID;`,
];

/** Columns of a user's row, as it is seen. */
const SEEN = 'user, version, status, seq, sites, document AS text';

/** How many users have a status. */
export interface StatusCount {
  readonly status: string;
  readonly count: number;
}

interface Row extends SeenRow {
  readonly [column: string]: SqlStorageValue;
  readonly user: string;
  readonly version: number;
  readonly seq: number;
}

/** A user as a board lists them. */
export interface Listed {
  readonly user: string;
  readonly version: number;
  /** The presence document, JSON. */
  readonly text: string;
}

/** A user's newest document, with the number of the change that brought it. */
export interface Numbered {
  readonly user: string;
  readonly seq: number;
  readonly text: string;
  /**
   * Where it is told since a site was lost or came back: the number of the last change told for that. The document may be one that was told
   * before, so this tells them apart.
   */
  readonly occasion?: number;
}

/** What changes are stored as, and which of them are news. */
interface Numbering {
  readonly news: readonly News[];
  readonly rows: readonly { readonly change: BoardChange; readonly seq: number }[];
}

/** Changes that have their numbers and are not stored yet. */
export interface NumberedGroup {
  readonly news: readonly News[];
  /**
   * May watchers be told before it is stored: should it be lost with this object, the numbers are not given again. There are no more of them than
   * are passed over when the board is loaded.
   */
  readonly mayBeTold: boolean;
  /** Stores it, where that is not done yet. Throws where it could not be stored. */
  store(): void;
}

/** How far a board's numbers are. */
interface Numbers {
  /** The last one that was stored when the board was loaded: nothing was stored between it and the first one given since. */
  readonly loaded: number;
  /** The last one that was stored. */
  stored: number;
  /** The last one that was given. */
  given: number;
}

type Listener = (news: readonly News[]) => void;

const nobody: Listener = () => {};

/** The storage of a board: the newest document of each of its users, and whom its watchers named. */
export class BoardStore {
  readonly #storage: DurableObjectStorage;
  readonly #schema: Schema;
  readonly #stale: StaleSites;
  #known: Numbers | undefined;
  #epoch: number | undefined;
  /** What is numbered and not stored yet. */
  #group: NumberedGroup | undefined;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#schema = new Schema(storage, STEPS, 'users');
    this.#stale = new StaleSites(storage, this.#schema);
  }

  /** The tables of the whole board: those of its webhooks are among them. */
  get schema(): Schema {
    return this.#schema;
  }

  /**
   * Stores groups of changes in one commit. Tells which of them are news to watchers, each with its number: a version that is not above the stored
   * one is none, and what watchers are not told of takes no number.
   */
  put(changes: readonly BoardChange[]): readonly News[] {
    const group = this.number(changes);
    group.store();
    return group.news;
  }

  /**
   * The first half of `put`: what is stored by the second half, or before anything else here is looked at. `then` hears the news in the turn in
   * which they are stored, whatever had them stored.
   */
  number(changes: readonly BoardChange[], then: Listener = nobody): NumberedGroup {
    this.#storeNumbered();
    this.#schema.create();
    const { news, rows } = this.#numbered(changes);
    const numbers = this.#numbers;
    const last = news.at(-1)?.seq;
    if (last !== undefined) numbers.given = last;
    let outcome: { readonly error?: unknown } | undefined;
    const store = () => {
      if (outcome === undefined) {
        outcome = this.#tryToStore(rows, last);
        if (!('error' in outcome) && news.length > 0) then(news);
      }
      if ('error' in outcome) throw outcome.error;
    };
    const mayBeTold = numbers.stored > 0 && last !== undefined && last - numbers.stored <= OBJECT_LIMITS.toldAhead;
    const group = { news, mayBeTold, store };
    this.#group = group;
    return group;
  }

  #storeNumbered(): void {
    try {
      this.#group?.store();
    } catch {
      // Whoever had it numbered is told, and has to be: `store` throws for them too.
    }
  }

  #tryToStore(rows: Numbering['rows'], last: number | undefined): { readonly error?: unknown } {
    this.#group = undefined;
    try {
      this.#storage.transactionSync(() => {
        for (const { change, seq } of rows) this.#write(change, seq);
      });
    } catch (error) {
      return { error };
    }
    if (last !== undefined) this.#numbers.stored = last;
    return {};
  }

  /** Everything that is read or written goes this way, so that it finds what is numbered already. */
  get #sql(): SqlStorage {
    this.#storeNumbered();
    return this.#storage.sql;
  }

  #numbered(changes: readonly BoardChange[]): Numbering {
    const versions = new Map<string, number>();
    const rows = new Map<string, { readonly change: BoardChange; readonly seq: number }>();
    const news: News[] = [];
    for (const change of changes) {
      const known = versions.get(change.user) ?? this.#version(change.user);
      versions.set(change.user, Math.max(known, change.version));
      if (change.version <= known) continue;
      const seq = change.visible ? (news.at(-1)?.seq ?? this.#base()) + 1 : (rows.get(change.user)?.seq ?? 0);
      if (change.visible) news.push({ ...this.#stale.seen({ ...change, sites: change.sites ?? '' }), seq });
      rows.set(change.user, { change, seq });
    }
    return { news, rows: [...rows.values()] };
  }

  /**
   * The number after which the next is given. The first one after memory was lost passes over those that watchers may have been told of before
   * their commit failed.
   */
  #base(): number {
    const { given, loaded } = this.#numbers;
    return given > 0 && given === loaded ? given + OBJECT_LIMITS.toldAhead : given;
  }

  /** The number of the newest change; 0 before the first. */
  get seq(): number {
    return this.#numbers.given;
  }

  /** The number of the newest change that was stored when this was loaded: nothing was stored between it and the first one given since. */
  get loaded(): number {
    return this.#numbers.loaded;
  }

  /** Which life of the board's storage this is, from 1; 0 before the first write. */
  get epoch(): number {
    if (this.#epoch === undefined && this.#schema.created) {
      this.#epoch = this.#sql.exec<{ epoch: number }>('SELECT epoch FROM feed').one().epoch;
    }
    return this.#epoch ?? 0;
  }

  /** The number from which on watchers can be told from the store what they missed. */
  get floor(): number {
    return this.#schema.created ? this.#sql.exec<{ floor: number }>('SELECT floor FROM feed').one().floor : 0;
  }

  /**
   * Forgets a user whose document is not newer than the version `through`. That takes a number too, which is told; undefined where there is no
   * such user. Nothing stored says who it was, so nobody can be told from the store what came before it: watchers would keep the user for ever.
   */
  drop(user: string, through = Number.MAX_SAFE_INTEGER): number | undefined {
    if (!this.#schema.created) return undefined;
    const version = this.#version(user);
    if (version === 0 || version > through) return undefined;
    const seq = this.#base() + 1;
    this.#storage.transactionSync(() => {
      this.#sql.exec('DELETE FROM users WHERE user = ?', user);
      this.#sql.exec('UPDATE feed SET seq = ?, floor = ?', seq, seq);
    });
    Object.assign(this.#numbers, { stored: seq, given: seq });
    return seq;
  }

  /**
   * A site is lost since then, ms since 1970 (0: in touch): tells what watchers are told of it, the documents of
   * all users with whom that changes what is seen, under numbers of their own. Said again it changes nothing.
   */
  siteStands(site: string, since: number): News[] {
    if (this.#stale.since(site) === since) return [];
    let seq = this.#base();
    const changes: Omit<News, 'occasion'>[] = [];
    for (const row of this.#mentioning(site)) {
      const { user, version, status, text, sites } = this.#stale.seenIf(row, site, since);
      if (text !== this.#stale.seen(row).text) changes.push({ user, version, status, text, sites, visible: true, seq: ++seq });
    }
    const news = changes.map((change): News => ({ ...change, occasion: seq }));
    this.#storage.transactionSync(() => {
      this.#stale.save(site, since, seq);
      this.#sql.exec('UPDATE feed SET seq = ?', seq);
    });
    this.#stale.note(site, since);
    Object.assign(this.#numbers, { stored: seq, given: seq });
    return news;
  }

  /**
   * The newest document of each of these users (undefined: of all, who are all looked at) that changed after the number `after`, in that order.
   * All users of a site that was lost or came back have the one number of that: who was told of some of them was told up to the number before.
   */
  changedSince(after: number, users?: readonly string[]): Numbered[] {
    if (!this.#schema.created) return [];
    const changed = new Map<string, Row & Pick<Numbered, 'occasion'>>();
    if (users === undefined) for (const row of this.#rows('WHERE seq > ?', after)) changed.set(row.user, row);
    else
      for (const user of users) for (const row of this.#rows('WHERE user = ? AND seq > ?', user, after)) changed.set(user, row);
    const wanted = users && new Set(users);
    for (const { site, seq } of this.#stale.eventsAfter(after)) {
      for (const row of this.#mentioning(site)) {
        if (wanted !== undefined && !wanted.has(row.user)) continue;
        changed.set(row.user, row.seq > seq ? row : { ...row, seq, occasion: seq });
      }
    }
    return [...changed.values()].map((row) => this.#stale.seen(row)).sort((one, other) => one.seq - other.seq);
  }

  /** How many users have which status: looks at all of them. */
  counts(): StatusCount[] {
    if (!this.#schema.created) return [];
    const query = 'SELECT status, count(*) AS count FROM users GROUP BY status ORDER BY status';
    return this.#sql.exec<{ status: string; count: number }>(query).toArray();
  }

  /** The document of one user, JSON; undefined where the board has none. */
  get(user: string): string | undefined {
    if (!this.#schema.created) return undefined;
    const [row] = this.#rows('WHERE user = ?', user);
    return row && this.#stale.seen(row).text;
  }

  /** Users in the order of their names, above `after`, with that status where one is given, and of `only` these where they are given. */
  list(after: string, limit: number, status?: string, only?: readonly string[]): Listed[] {
    if (!this.#schema.created) return [];
    const filters = [
      ...(status === undefined || this.#stale.any ? [] : ['AND status = ?']),
      ...(only === undefined ? [] : ['AND user IN (SELECT value FROM json_each(?))']),
    ].join(' ');
    const values = [
      ...(status === undefined || this.#stale.any ? [] : [status]),
      ...(only === undefined ? [] : [JSON.stringify(only)]),
    ];
    // While a site is lost, what is seen may be another status than the one stored: all are looked at then, until there are enough.
    const found: Listed[] = [];
    for (const row of this.#cursor(`WHERE user > ? ${filters} ORDER BY user`, after, ...values)) {
      const { user, version, text, status: seen } = this.#stale.seen(row);
      if (status === undefined || seen === status) found.push({ user, version, text });
      if (found.length >= limit) break;
    }
    return found;
  }

  /** Users of whom a site has told, with their documents as they were told. Looks at all users. */
  mentioning(site: string): Iterable<Listed> {
    return this.#mentioning(site);
  }

  /** Remembers whom a watcher named, for the time after a hibernation: an attachment has no room for it. */
  addWatch(id: string, users: readonly string[]): void {
    this.#schema.create();
    this.#sql.exec('INSERT INTO watches (id, users) VALUES (?, ?)', id, JSON.stringify(users));
  }

  /** Forgets a watcher; tells whom it named. */
  dropWatch(id: string): string[] {
    if (!this.#schema.created) return [];
    const [row] = this.#sql.exec<{ users: string }>('DELETE FROM watches WHERE id = ? RETURNING users', id).toArray();
    return row === undefined ? [] : (JSON.parse(row.users) as string[]);
  }

  /** What the watchers of these ids named, by id. Others are forgotten: their sockets went with a process that could not say so. */
  watches(live: ReadonlySet<string>): Map<string, string[]> {
    const named = new Map<string, string[]>();
    if (!this.#schema.created) return named;
    const sql = this.#sql;
    const ids = sql.exec<{ id: string }>('SELECT id FROM watches').toArray();
    for (const { id } of ids) {
      if (!live.has(id)) sql.exec('DELETE FROM watches WHERE id = ?', id);
    }
    for (const { id, users } of sql.exec<{ id: string; users: string }>('SELECT id, users FROM watches')) {
      named.set(id, JSON.parse(users) as string[]);
    }
    return named;
  }

  get #numbers(): Numbers {
    if (this.#known === undefined) {
      const last = this.#lastSeq();
      this.#known = { loaded: last, stored: last, given: last };
    }
    return this.#known;
  }

  #version(user: string): number {
    return this.#sql.exec<{ version: number }>('SELECT version FROM users WHERE user = ?', user).toArray()[0]?.version ?? 0;
  }

  #rows(where: string, ...values: (string | number)[]): Row[] {
    return this.#cursor(where, ...values).toArray();
  }

  #cursor(where: string, ...values: (string | number)[]): SqlStorageCursor<Row> {
    return this.#sql.exec<Row>(`SELECT ${SEEN} FROM users ${where}`, ...values);
  }

  #mentioning(site: string): Iterable<Row> {
    if (!this.#schema.created) return [];
    const where = "WHERE instr(sites, ?) > 0 OR (sites = '' AND instr(document, ?) > 0)";
    return this.#cursor(where, `|${site}|`, `"site":${JSON.stringify(site)}`);
  }

  /** After a loss of memory. The greatest number of all rows was the last, unless a user was dropped since. */
  #lastSeq(): number {
    if (!this.#schema.created) return 0;
    const sql = this.#sql;
    return sql.exec<{ seq: number }>('SELECT max(seq, (SELECT coalesce(max(seq), 0) FROM users)) AS seq FROM feed').one().seq;
  }

  /** A change without a number (0) leaves the user at the number of the last one that had one. */
  #write({ user, version, status, text, sites = '' }: BoardChange, seq: number): void {
    this.#storage.sql.exec(
      `INSERT INTO users (user, version, status, seq, document, sites) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (user) DO UPDATE SET
         version = excluded.version, status = excluded.status, seq = max(seq, excluded.seq), document = excluded.document,
         sites = excluded.sites`,
      user,
      version,
      status,
      seq,
      text,
      sites,
    );
  }
}
