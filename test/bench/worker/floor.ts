/** What workerd itself takes: objects that commit one row, or read one, for whoever asks over HTTP, and do nothing else. */
import { DurableObject } from 'cloudflare:workers';

interface Env {
  readonly BARE: DurableObjectNamespace<Bare>;
}

export class Bare extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS record (id INTEGER PRIMARY KEY, body TEXT NOT NULL)');
  }

  /** Commits one row. */
  write(body: string): void {
    this.ctx.storage.sql.exec('INSERT OR REPLACE INTO record (id, body) VALUES (1, ?)', body);
  }

  /** Reads one row. */
  read(): string {
    return this.ctx.storage.sql.exec<{ body: string }>('SELECT body FROM record').toArray()[0]?.body ?? '';
  }
}

export default {
  /** `POST {names, body}` commits the body in each of these objects, all at once; `GET /name` reads one. */
  async fetch(request: Request, env: Env): Promise<Response> {
    if (request.method === 'GET') return new Response(await env.BARE.getByName(new URL(request.url).pathname).read());
    const { names, body } = (await request.json()) as { names: string[]; body: string };
    await Promise.all(names.map((name) => env.BARE.getByName(name).write(body)));
    return new Response(null, { status: 204 });
  },
};
