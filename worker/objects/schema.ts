/** Where the version of an object's tables stands: a table of one row. */
const VERSION_TABLE = 'schema_version';

/**
 * The tables of an object's storage, by steps: step n brings them from version n to n + 1. Tables of an earlier version are brought up to
 * date when the object is loaded; where there are none, none are made before the first write, so asking for what does not exist leaves nothing behind.
 */
export class Schema {
  readonly #storage: DurableObjectStorage;
  readonly #steps: readonly string[];
  #created: boolean;

  /** `first`: a table of step 0, by which tables are known that were made before versions were written down. */
  constructor(storage: DurableObjectStorage, steps: readonly string[], first: string) {
    this.#storage = storage;
    this.#steps = steps;
    const version = this.#version(first);
    this.#created = version > 0;
    if (version > steps.length) throw new Error(`the storage is of version ${version}, this program knows ${steps.length}`);
    if (this.#created && version < steps.length) this.#migrate(version);
  }

  /** Are the tables there. */
  get created(): boolean {
    return this.#created;
  }

  /** Makes the tables where there are none: before each write. */
  create(): void {
    if (this.#created) return;
    this.#migrate(0);
    this.#created = true;
  }

  #version(first: string): number {
    const { sql } = this.#storage;
    const tables = sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name IN (?, ?)", VERSION_TABLE, first)
      .toArray();
    if (tables.some(({ name }) => name === VERSION_TABLE)) {
      return sql.exec<{ version: number }>(`SELECT version FROM ${VERSION_TABLE}`).one().version;
    }
    return tables.length > 0 ? 1 : 0;
  }

  /** In one commit: a process that ends on the way leaves the version that was. */
  #migrate(from: number): void {
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      sql.exec(`CREATE TABLE IF NOT EXISTS ${VERSION_TABLE} (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL)`);
      for (const step of this.#steps.slice(from)) sql.exec(step);
      sql.exec(`INSERT OR REPLACE INTO ${VERSION_TABLE} (id, version) VALUES (1, ?)`, this.#steps.length);
    });
  }
}
