import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import { retentionOf } from '../../worker/objects/retention.ts';
import { UserStore } from '../../worker/objects/user-store.ts';
import { applyGroup, emptyRecord, type PresenceRecord } from '../../worker/presence/index.ts';
import { newStream, okay, report, request, say } from './support/client.ts';
import { userObject } from './support/objects.ts';

const DAY = 24 * 3_600_000;
const T0 = Date.parse('2026-11-22T10:00:00.000Z');

/** A store of its own, with a clock that the test moves; `write` makes so many changes, a minute apart. */
class Kept {
  readonly #storage: DurableObjectStorage;
  readonly #stream = newStream('alice');
  record: PresenceRecord;
  store: UserStore;
  now = T0;

  constructor(storage: DurableObjectStorage, entries: number, days = 30) {
    this.#storage = storage;
    this.record = emptyRecord(this.#stream.user);
    this.store = this.load(entries, days);
  }

  /** As after a start with other settings. */
  load(entries: number, days = 30): UserStore {
    this.store = new UserStore(this.#storage, { entries, age: days * DAY });
    this.store.load();
    return this.store;
  }

  write(count: number): void {
    for (let n = 0; n < count; n++) {
      this.now += 60_000;
      const word = this.record.version % 2 ? say.online() : say.snapshot([], []);
      const update = { ...this.#stream.next(word), at: this.now };
      const { record, changes } = applyGroup(this.record, 'site-a', [update], this.now);
      this.store.save(record, 'board', changes);
      this.record = record;
    }
  }

  get versions(): number[] {
    return this.store.history({ before: Number.MAX_SAFE_INTEGER, limit: 1_000 }, this.now).entries.map(({ version }) => version);
  }

  get rows(): number {
    return this.#storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM history').one().n;
  }
}

/** Works on the storage of an object that nothing else uses. */
const kept = (work: (storage: DurableObjectStorage) => void) =>
  runInDurableObject(userObject(newStream('nobody').user), (_, { storage }) => work(storage));

const down = (from: number, count: number) => Array.from({ length: count }, (_, i) => from - i);

describe('Offhook retention of the history by count', () => {
  it('keeps the newest entries in a ring: one row a change, whether or not an older one goes', () =>
    kept((storage) => {
      const user = new Kept(storage, 5);
      const written = () => {
        user.now += 60_000;
        user.write(1);
        return user.rows;
      };
      expect(Array.from({ length: 8 }, written)).toEqual([1, 2, 3, 4, 5, 5, 5, 5]);
      expect(user.versions).toEqual(down(8, 5));
    }));

  it.each([
    ['fewer', 7, 3],
    ['more', 4, 9],
    ['more, before the ring was full', 10, 12],
  ])('goes over to %s entries with the next change, without a hole, and shows no more at once', (_, before, after) =>
    kept((storage) => {
      const user = new Kept(storage, before);
      user.write(9);
      user.load(after);
      expect(user.versions).toEqual(down(9, Math.min(before, after, 9)));
      for (let n = 10; n < 40; n++) {
        user.write(1);
        const there = Math.min(after, Math.min(before, 9) + n - 9);
        expect(user.versions).toEqual(down(n, there));
        expect(user.rows).toBe(there);
      }
    }),
  );
});

describe('Offhook retention of the history by age', () => {
  it('reads no entry that is too old, before it is deleted, and deletes it at most a day later', () =>
    kept((storage) => {
      const user = new Kept(storage, 100, 2);
      user.write(3);
      user.now += DAY;
      user.write(2);
      user.now += DAY;
      expect([user.versions, user.rows]).toEqual([[5, 4], 5]);
      const due = user.store.purgeAt as number;
      expect(due).toBe(T0 + 60_000 + 2 * DAY + OBJECT_LIMITS.historyGrace);
      user.store.purge(due);
      expect(user.rows).toBe(2);
      user.load(100, 2);
      expect(user.store.purgeAt).toBeGreaterThan(due);
      user.store.purge(due + 10 * DAY);
      expect([user.rows, user.store.purgeAt]).toEqual([0, undefined]);
    }));

  it('follows another age in the settings at once', () =>
    kept((storage) => {
      const user = new Kept(storage, 100, 30);
      user.write(2);
      user.now += 3 * DAY;
      user.write(1);
      expect(user.versions).toEqual([3, 2, 1]);
      user.load(100, 2);
      expect(user.versions).toEqual([3]);
      expect(user.store.purgeAt).toBeLessThan(user.now + DAY);
    }));

  it('has an alarm of its own, where nothing else of the user has an end', async () => {
    const alice = newStream('alice');
    const before = Date.now();
    await report([alice.next(say.online())]);
    const due = (at: number) => at + retentionOf({}).age + OBJECT_LIMITS.historyGrace;
    const alarm = await runInDurableObject(userObject(alice.user), (_, { storage }) => storage.getAlarm());
    expect(alarm).toBeGreaterThanOrEqual(due(before - 60_000));
    expect(alarm).toBeLessThanOrEqual(due(Date.now()));
  });

  it('is done by the alarm of the object, though the user never does anything again', async () => {
    const alice = newStream('alice');
    const at = Date.now() - 40 * DAY;
    await userObject(alice.user).apply(alice.user, 'site-a', [{ ...alice.next(say.online()), at }]);
    await report([{ ...alice.next(say.talking('c1')), at: Date.now() }]);
    await evictDurableObject(userObject(alice.user));
    const path = `/v1/presence/${alice.user}/history`;
    expect((await okay<{ entries: object[] }>(await request(path))).entries).toMatchObject([{ version: 2 }]);
    await expect
      .poll(async () => {
        await runDurableObjectAlarm(userObject(alice.user));
        return runInDurableObject(userObject(alice.user), (_, { storage }) =>
          storage.sql.exec('SELECT version FROM history').toArray(),
        );
      })
      .toEqual([{ version: 2 }]);
  });
});

describe('Offhook variables HISTORY_ENTRIES and HISTORY_AGE', () => {
  it.each([
    [undefined, undefined, 200, 30],
    ['1', '1', 1, 1],
    ['10000', '3650', 10_000, 3_650],
    ['10001', '3651', 200, 30],
    ['0', '0', 200, 30],
    ['-1', '1.5', 200, 30],
    ['many', '', 200, 30],
  ])('%s, %s: %i entries of %i days', (HISTORY_ENTRIES, HISTORY_AGE, entries, days) => {
    const variables = { ...(HISTORY_ENTRIES && { HISTORY_ENTRIES }), ...(HISTORY_AGE && { HISTORY_AGE }) };
    expect(retentionOf(variables)).toEqual({ entries, age: days * DAY });
  });
});

describe('Offhook storage of a user: tables of earlier versions', () => {
  // As the program wrote them whose storage had version 1, and the one before it, which wrote no version down.
  const V1 = `CREATE TABLE record (id INTEGER PRIMARY KEY, body TEXT NOT NULL, board TEXT NOT NULL, entries INTEGER NOT NULL);
    CREATE TABLE history (slot INTEGER PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL);`;
  const RECORD =
    '{"user":"sip:alice@example.com","version":2,"terminalStatus":"online","impliedUntil":null,"status":"talking","since":1763805601000,' +
    '"sites":[{"site":"site-a","cursor":{"epoch":1763805600000,"first":1,"sequence":2},"heard":1763805601000,"terminals":[{"contact":' +
    '"sip:alice@192.0.2.1","address":"192.0.2.1:5060","type":"phone","since":1763805600000,"expires":null}],"calls":[{"id":"c1","callId":' +
    '"c1@192.0.2.1","direction":"incoming","state":"confirmed","held":false,"peer":{"uri":"sip:bob@example.com"},"media":[],"session":' +
    '"voice","startedAt":1763805600500,"answeredAt":1763805601000,"deadline":1763820001000}]}]}';
  const ENTRIES = [
    '{"version":1,"status":"available","terminalStatus":"online","callStatus":"idle","at":"2025-11-22T10:00:00.000Z","cause":{"by":"update",' +
      '"site":"site-a","epoch":1763805600000,"sequence":1,"status":"online"}}',
    '{"version":2,"status":"talking","terminalStatus":"online","callStatus":"talking","at":"2025-11-22T10:00:01.000Z","cause":{"by":"update",' +
      '"site":"site-a","epoch":1763805600000,"sequence":2,"status":"talking"}}',
  ];

  it.each([
    ['of version 1', 'CREATE TABLE schema_version (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL);'],
    ['from before versions', ''],
  ])('are read %s, with all that is in them, and kept up', (_, versions) =>
    kept((storage) => {
      storage.sql.exec(V1 + versions);
      if (versions !== '') storage.sql.exec('INSERT INTO schema_version VALUES (1, 1)');
      storage.sql.exec("INSERT INTO record VALUES (1, ?, 'example.com#1', 2)", RECORD);
      for (const [slot, body] of ENTRIES.entries()) {
        storage.sql.exec('INSERT INTO history VALUES (?, ?, ?)', slot, slot + 1, body);
      }
      const store = new UserStore(storage, { entries: 200, age: 30 * DAY });
      const stored = store.load();
      expect(stored).toMatchObject({
        board: 'example.com#1',
        record: { version: 2, status: 'talking', overrides: [], floor: 0 },
      });
      const then = Date.parse('2025-11-22T11:00:00.000Z');
      expect(store.history({ before: 3, limit: 10 }, then).entries).toEqual(ENTRIES.toReversed().map((text) => JSON.parse(text)));
      expect(store.purgeAt).toBe(Date.parse('2025-11-22T10:00:00.000Z') + 31 * DAY);
      expect(store.forgotten()).toBeUndefined();
      const { record, changes } = applyGroup(stored?.record as PresenceRecord, 'site-a', [], then + DAY);
      store.save(record, 'example.com#1', changes);
      expect(store.history({ before: 9, limit: 1 }, then).entries).toMatchObject([
        { version: 3, cause: { by: 'deadline', what: 'call-expired' } },
      ]);
    }),
  );
});
