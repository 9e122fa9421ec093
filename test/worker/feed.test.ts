import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Board } from '../../worker/objects/board.ts';
import type { BoardChange } from '../../worker/objects/board-feed.ts';
import { BoardStore } from '../../worker/objects/board-store.ts';
import { Feed } from '../../worker/objects/feed.ts';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import { deletionNews } from '../../worker/objects/news.ts';
import { newDomain } from './support/client.ts';
import { boardObjects } from './support/objects.ts';

const change = (user: string, version: number, visible = true): BoardChange => ({
  user,
  version,
  status: 'available',
  text: JSON.stringify({ user, version }),
  visible,
});

/** One that no storage takes. */
const unstorable = (user: string, version: number): BoardChange => ({ ...change(user, version), status: null as never });

/** Works on the storage of a board that nothing else uses. */
function onBoard<T>(work: (storage: DurableObjectStorage) => T, board = newBoard()): Promise<T> {
  return runInDurableObject(board, (_, { storage }) => work(storage));
}

const newBoard = () => boardObjects(newDomain())[0] as DurableObjectStub<Board>;

describe('Offhook feed of a board: numbers', () => {
  it('rise with every change, and by none for what is no news or is not told', async () => {
    const told = await onBoard((storage) => {
      const store = new BoardStore(storage);
      const put = (...changes: BoardChange[]) => store.put(changes).map(({ user, version, seq }) => `${user}${version} ${seq}`);
      return [
        put(change('a', 1), change('b', 1), change('a', 2)),
        put(change('a', 2), change('b', 1)),
        put(change('a', 3, false)),
        put(change('b', 2)),
      ];
    });
    expect(told).toEqual([['a1 1', 'b1 2', 'a2 3'], [], [], ['b2 4']]);
  });

  it('go on after a loss of memory above those that may have been told and not stored, and are not given twice when the newest user was dropped', async () => {
    const seen = await onBoard((storage) => {
      const put = (user: string, version: number) => new BoardStore(storage).put([change(user, version)])[0]?.seq;
      const before = [put('a', 1), put('b', 1)];
      new BoardStore(storage).drop('b');
      return [...before, new BoardStore(storage).floor, put('c', 1)];
    });
    const { toldAhead } = OBJECT_LIMITS;
    expect(seen).toEqual([1, toldAhead + 2, 2 * toldAhead + 3, 3 * toldAhead + 4]);
  });

  it('find the newest document of each user changed since; a change that nobody is told of does not bring its user back', async () => {
    const seen = await onBoard((storage) => {
      const store = new BoardStore(storage);
      store.put([change('a', 1), change('b', 1), change('c', 1)]);
      store.put([change('a', 2), change('b', 2, false), change('a', 3)]);
      return new BoardStore(storage).changedSince(2).map(({ seq, text }) => [seq, text]);
    });
    expect(seen).toEqual([
      [3, '{"user":"c","version":1}'],
      [5, '{"user":"a","version":3}'],
    ]);
  });

  it('cost one row a change', async () => {
    const rows = await onBoard((storage) => {
      const store = new BoardStore(storage);
      store.put([change('a', 1)]);
      const before = storage.sql.exec('SELECT total_changes() AS n').one().n as number;
      store.put([change('a', 2)]);
      return (storage.sql.exec('SELECT total_changes() AS n').one().n as number) - before;
    });
    expect(rows).toBe(1);
  });

  it('are there after the step from tables of the first version, with all users', async () => {
    const seen = await onBoard((storage) => {
      storage.sql.exec(
        'CREATE TABLE users (user TEXT PRIMARY KEY, version INTEGER NOT NULL, status TEXT NOT NULL, document TEXT NOT NULL) WITHOUT ROWID',
      );
      storage.sql.exec('CREATE TABLE watches (id TEXT PRIMARY KEY, users TEXT NOT NULL) WITHOUT ROWID');
      storage.sql.exec("INSERT INTO users VALUES ('a', 7, 'talking', '{}')");
      const store = new BoardStore(storage);
      const epochs = [store.epoch, new BoardStore(storage).epoch];
      return [store.list('', 10), store.put([change('a', 7), change('a', 8)]).map(({ seq }) => seq), epochs[0] === epochs[1]];
    });
    expect(seen).toEqual([[{ user: 'a', version: 7, text: '{}' }], [1], true]);
  });
});

describe('Offhook feed of a board: news that watchers hear before it is stored', () => {
  const number = (store: BoardStore, ...changes: BoardChange[]) => store.number(changes);

  it('is stored before anything is read or written', async () => {
    const reads: readonly (readonly [string, (store: BoardStore) => unknown])[] = [
      ['list', (store) => store.list('', 10).length],
      ['get', (store) => store.get('b')],
      ['counts', (store) => store.counts()[0]?.count],
      ['changedSince', (store) => store.changedSince(1).length],
      ['drop', (store) => store.drop('b', 1)],
      ['siteStands', (store) => store.siteStands('s', 1)],
      ['put', (store) => store.put([change('b', 1)])],
    ];
    for (const [, read] of reads) {
      await onBoard((storage) => {
        const lazy = new BoardStore(storage);
        lazy.put([change('a', 1)]);
        const group = number(lazy, change('b', 1));
        expect(storage.sql.exec('SELECT user FROM users').toArray()).toHaveLength(1);
        const seen = read(lazy);
        expect(storage.sql.exec("SELECT user FROM users WHERE user = 'b'").toArray()).toHaveLength(
          read.toString().includes('drop') ? 0 : 1,
        );
        expect(seen).not.toBe(undefined);
        group.store();
      });
    }
  });

  it('is not to be told first where it is the first of all, or more than is passed over after a loss of memory', async () => {
    await onBoard((storage) => {
      const store = new BoardStore(storage);
      expect(() => number(store, unstorable('a', 1)).store()).toThrow();
      const many = Array.from({ length: OBJECT_LIMITS.toldAhead + 1 }, (_, i) => change(`u${i}`, 1));
      const may = (...changes: BoardChange[]) => {
        const group = number(store, ...changes);
        group.store();
        return group.mayBeTold;
      };
      expect([
        may(change('a', 1)),
        may(change('a', 2)),
        may(change('a', 2)),
        may(...many),
        may(...many.map(({ user }) => change(user, 2)).slice(1)),
      ]).toEqual([false, true, false, false, true]);
    });
  });

  it('tells whoever had it numbered that it could not be stored, also where something else had it stored', async () => {
    await onBoard((storage) => {
      const store = new BoardStore(storage);
      store.put([change('a', 1)]);
      let told = 0;
      const group = store.number([unstorable('a', 2)], () => {
        told += 1;
      });
      expect(store.get('a')).toContain('"version":1');
      expect(() => group.store()).toThrow('NOT NULL');
      expect(told).toBe(0);
      expect(store.put([change('a', 2)])).toHaveLength(1);
    });
  });
});

describe('Offhook feed of a board: numbers that were told and lost', () => {
  it('are not given again, however often that happens after a loss of memory, or without one', async () => {
    await onBoard((storage) => {
      new BoardStore(storage).put([change('a', 1)]);
      const told: number[] = [];
      const tell = (store: BoardStore, lost: BoardChange) => {
        const { news, mayBeTold } = store.number([lost]);
        if (mayBeTold) told.push(news[0]?.seq ?? 0);
      };
      for (let i = 0; i < 3; i++) {
        const store = new BoardStore(storage);
        tell(store, change('a', 2 + i));
      }
      const store = new BoardStore(storage);
      store.put([change('b', 1)]);
      for (let i = 0; i <= OBJECT_LIMITS.toldAhead; i++) tell(store, unstorable('a', 9));
      tell(new BoardStore(storage), change('a', 9));
      const given = new BoardStore(storage).put([change('c', 1)])[0]?.seq ?? 0;
      expect(told.length).toBeGreaterThan(1000);
      expect(new Set(told).size).toBe(told.length);
      expect(given).toBeGreaterThan(Math.max(...told));
    });
  });
});

describe('Offhook feed of a board: what was missed', () => {
  const told = (feed: Feed, mark: string, users?: string[]) => {
    const missed = feed.since(mark, users);
    return (
      missed && [missed.exact, missed.changes.map(({ text }) => (JSON.parse(text) as { version: number }).version).join(' ')]
    );
  };

  it('is exact within the log, the newest of each user below it, and exact again from there', async () => {
    await onBoard((storage) => {
      const store = new BoardStore(storage);
      const feed = new Feed(store);
      const begin = feed.mark;
      const count = OBJECT_LIMITS.feedChanges + 100;
      const marks: string[] = [];
      for (let version = 1; version <= count; version++) {
        feed.tell(store.put([change('a', version)]));
        marks.push(feed.mark);
      }
      expect(told(feed, begin)).toEqual([false, `${count}`]);
      expect(told(feed, marks[50] as string)).toEqual([false, `${count}`]);
      expect(told(feed, marks[count - 3] as string)).toEqual([true, `${count - 1} ${count}`]);
      expect(told(feed, marks[count - 3] as string, ['b'])).toEqual([true, '']);
      // A quarter of the log goes at a time: what is exact and what is not meets without a gap.
      const exact = marks.filter((mark) => feed.since(mark)?.exact);
      expect(exact.length).toBeGreaterThan(OBJECT_LIMITS.feedChanges * 0.7);
      expect(exact).toEqual(marks.slice(-exact.length));
      for (const [i, mark] of exact.entries()) expect(feed.since(mark)?.changes.length).toBe(exact.length - 1 - i);
    });
  });

  it('is bounded by the size of its documents too', async () => {
    await onBoard((storage) => {
      const store = new BoardStore(storage);
      const feed = new Feed(store);
      const text = `{"version":1,"long":"${'x'.repeat(OBJECT_LIMITS.feedText / 10)}"}`;
      const marks = Array.from({ length: 20 }, (_, i) => {
        feed.tell(store.put([{ ...change('a', i + 1), text }]));
        return feed.mark;
      });
      expect(marks.filter((mark) => feed.since(mark)?.exact).length).toBeLessThan(11);
    });
  });

  it('has neither gap nor double, wherever a watcher stopped and whenever memory was lost', async () => {
    const users = ['a', 'b', 'c', 'd'];
    const steps = fc.array(
      fc.oneof(fc.constantFrom(...users), fc.constantFrom('lost', 'unseen', 'delete a', 'delete b', 'torn c', 'torn d')),
      {
        maxLength: 40,
      },
    );
    let board = 0;
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), async (what, at) => {
        await onBoard(
          (storage) => {
            let store = new BoardStore(storage);
            let feed = new Feed(store);
            const versions = new Map<string, number>();
            const known = new Map<string, number>();
            let mark = feed.mark;
            const stop = what.length === 0 ? 0 : at % what.length;
            // Told and lost before it was stored: the user's object tells it again.
            let again: BoardChange[] = [];
            const tellAgain = () => {
              feed.tell(store.put(again));
              again = [];
            };
            for (const [i, step] of what.entries()) {
              if (i === stop) {
                mark = feed.mark;
                for (const { user, version } of store.list('', 10)) known.set(user, version);
              }
              if (step.startsWith('torn')) {
                tellAgain();
                if (i === stop) for (const { user, version } of store.list('', 10)) known.set(user, version);
                // Looked up before, as the mark is made of it: what is looked up stores what is numbered.
                store.epoch;
                const user = step.slice(-1);
                const version = (versions.get(user) ?? 0) + 1;
                versions.set(user, version);
                again = [change(user, version)];
                const { news, mayBeTold } = store.number(again);
                if (mayBeTold) feed.tell(news);
                if (mayBeTold && i === stop) {
                  mark = feed.mark;
                  known.set(user, version);
                }
              }
              if (step === 'lost' || step.startsWith('torn')) {
                store = new BoardStore(storage);
                feed = new Feed(store);
                continue;
              }
              if (step.startsWith('delete')) {
                const user = step.slice(-1);
                const through = versions.get(user) ?? 0;
                feed.forget(user, through);
                const seq = store.drop(user, through);
                if (seq !== undefined) feed.tell([deletionNews(user, seq)]);
                continue;
              }
              const user = step === 'unseen' ? 'a' : step;
              const version = (versions.get(user) ?? 0) + 1;
              versions.set(user, version);
              feed.tell(store.put([change(user, version, step !== 'unseen')]));
              tellAgain();
            }
            tellAgain();
            const missed = feed.since(mark);
            const last = new Map(store.list('', 10).map(({ user, version }) => [user, version]));
            // Where that cannot be told a snapshot comes: only after a deletion.
            if (missed === undefined) {
              expect(what.slice(stop).some((step) => step.startsWith('delete'))).toBe(true);
              return;
            }
            for (const { user: whose, text } of missed.changes) {
              if (text === '') {
                known.delete(whose);
                continue;
              }
              const { user, version } = JSON.parse(text) as { user: string; version: number };
              if (what[stop] !== `torn ${user}`) expect(version).toBeGreaterThan(known.get(user) ?? 0);
              known.set(user, version);
            }
            // A change that nobody is told of may be missing, and nothing else.
            for (const user of users) if (!what.includes('unseen') || user !== 'a') expect(known.get(user)).toBe(last.get(user));
          },
          env.BOARD.getByName(`property-${board++}`),
        );
      }),
      { numRuns: 60 },
    );
  });
});
