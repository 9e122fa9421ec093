import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { Schema } from '../../worker/objects/schema.ts';
import { newDomain, newStream, okay, report, request, say } from './support/client.ts';
import { userObject } from './support/objects.ts';

const STEPS = ['CREATE TABLE things (id INTEGER PRIMARY KEY)', "ALTER TABLE things ADD COLUMN name TEXT NOT NULL DEFAULT 'none'"];

/** Works on the storage of an object that nothing else uses. */
const onStorage = <T>(work: (storage: DurableObjectStorage) => T): Promise<T> =>
  runInDurableObject(userObject(`sip:nobody@${newDomain()}`), (_, { storage }) => work(storage));

const tables = (storage: DurableObjectStorage) =>
  storage.sql
    .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'")
    .toArray();

describe('Offhook storage schema', () => {
  it('makes nothing before the first write, then all steps at once', async () => {
    const seen = await onStorage((storage) => {
      const schema = new Schema(storage, STEPS, 'things');
      const before = [schema.created, tables(storage).length];
      schema.create();
      storage.sql.exec('INSERT INTO things (id) VALUES (1)');
      return [...before, schema.created, storage.sql.exec('SELECT name FROM things').one().name];
    });
    expect(seen).toEqual([false, 0, true, 'none']);
  });

  it('brings tables of every earlier version up to date, once, with what is in them', async () => {
    const seen = await onStorage((storage) => {
      new Schema(storage, STEPS.slice(0, 1), 'things').create();
      storage.sql.exec('INSERT INTO things (id) VALUES (7)');
      for (let load = 0; load < 2; load++) new Schema(storage, STEPS, 'things');
      return storage.sql.exec('SELECT id, name FROM things').one();
    });
    expect(seen).toEqual({ id: 7, name: 'none' });
  });

  it('knows tables that were made before versions were written down', async () => {
    const seen = await onStorage((storage) => {
      storage.sql.exec(STEPS[0] as string);
      storage.sql.exec('INSERT INTO things (id) VALUES (7)');
      new Schema(storage, STEPS, 'things');
      return storage.sql.exec('SELECT id, name FROM things').one();
    });
    expect(seen).toEqual({ id: 7, name: 'none' });
  });

  it('refuses a storage that a later program wrote, and changes nothing in it', async () => {
    const refused = await onStorage((storage) => {
      new Schema(storage, STEPS, 'things').create();
      try {
        new Schema(storage, STEPS.slice(0, 1), 'things');
      } catch (error) {
        return String(error);
      }
      return 'taken';
    });
    expect(refused).toContain('the storage is of version 2, this program knows 1');
  });

  it('leaves a step that fails undone, with all others of its commit', async () => {
    const left = await onStorage((storage) => {
      const wrong = new Schema(storage, [...STEPS, 'CREATE TABLE things (again TEXT)'], 'things');
      expect(() => wrong.create()).toThrow();
      return tables(storage).length;
    });
    expect(left).toBe(0);
  });

  it('serves a user whose tables are those of the first version', async () => {
    const stream = newStream('alice', newDomain());
    await report([stream.next(say.online())]);
    const object = userObject(stream.user);
    await runInDurableObject(object, (_, { storage }) => {
      for (const table of ['schema_version', 'forgotten']) storage.sql.exec(`DROP TABLE ${table}`);
      for (const column of ['ring', 'oldest']) storage.sql.exec(`ALTER TABLE record DROP COLUMN ${column}`);
    });
    await evictDurableObject(object);
    await report([stream.next(say.talking('c1'))]);
    expect(await okay(await request(`/v1/presence/${encodeURIComponent(stream.user)}`))).toMatchObject({ status: 'talking' });
  });
});
