/** The Worker as it is, with what Cloudflare bills counted: rows written and read, requests to objects, alarms set and fired. */
import app from '../../../worker/index.ts';

/** Totals since the last reading, of all objects of this process. */
const counters = new Map<string, number>();

const count = (name: string, by = 1) => void counters.set(name, (counters.get(name) ?? 0) + by);

type Cursor = { readonly rowsWritten: number; readonly rowsRead: number };
type Class = new (ctx: DurableObjectState, env: never) => object;

/** What workerd calls by itself, or nobody from outside: no request to an object. */
const INTERNAL = new Set(['constructor', 'alarm', 'webSocketMessage', 'webSocketClose', 'webSocketError']);

/** A class whose objects count what they do. */
export function counted<T extends Class>(base: T): T {
  const name = base.name.toLowerCase();
  const made = class extends (base as Class) {
    constructor(ctx: DurableObjectState, env: never) {
      watchStorage(name, ctx.storage);
      super(ctx, env);
    }
  };
  for (const method of Object.getOwnPropertyNames(base.prototype)) {
    const own = Object.getOwnPropertyDescriptor(base.prototype, method)?.value as unknown;
    if (typeof own !== 'function' || method === 'constructor') continue;
    const what = method === 'alarm' ? 'alarms fired' : INTERNAL.has(method) ? undefined : 'requests';
    Object.defineProperty(made.prototype, method, {
      value(this: object, ...args: unknown[]) {
        if (what !== undefined) count(`${name} ${what}`);
        // What a site reports of a user: (user, site, updates).
        if (method === 'apply' && Array.isArray(args[2])) count('updates', args[2].length);
        return Reflect.apply(own, this, args);
      },
    });
  }
  return made as unknown as T;
}

function watchStorage(name: string, storage: DurableObjectStorage): void {
  const { sql } = storage;
  let inTransaction = false;
  const transactionSync = storage.transactionSync.bind(storage);
  Object.defineProperty(storage, 'transactionSync', {
    value: <T>(work: () => T): T => {
      count(`${name} commits`);
      inTransaction = true;
      try {
        return transactionSync(work);
      } finally {
        inTransaction = false;
      }
    },
  });
  const exec = sql.exec.bind(sql);
  Object.defineProperty(sql, 'exec', {
    value: (...args: Parameters<typeof exec>) => {
      const cursor = exec(...args);
      const seen = cursor as unknown as Cursor;
      let written = seen.rowsWritten;
      count(`${name} rows written`, written);
      if (!inTransaction && written > 0) count(`${name} commits`);
      // Rows of a query are counted as they are taken.
      const toArray = cursor.toArray.bind(cursor);
      Object.defineProperty(cursor, 'toArray', {
        value: () => {
          const rows = toArray();
          count(`${name} rows read`, seen.rowsRead);
          count(`${name} rows written`, seen.rowsWritten - written);
          written = seen.rowsWritten;
          return rows;
        },
      });
      return cursor;
    },
  });
  const { setAlarm } = storage;
  Object.defineProperty(storage, 'setAlarm', {
    value: (at: number | Date) => {
      count(`${name} alarms set`);
      return Reflect.apply(setAlarm, storage, [at]);
    },
  });
}

/** Reads the totals, and begins anew. */
export function takeCounters(): Record<string, number> {
  const taken = Object.fromEntries(counters);
  counters.clear();
  return taken;
}

/** The Worker's own face, and `GET /counters`. */
export const fetchCounted: typeof app.fetch = (request, ...rest) => {
  if (new URL(request.url).pathname === '/counters') return Response.json(takeCounters());
  count('worker requests');
  return app.fetch(request, ...rest);
};
