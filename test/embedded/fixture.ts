import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A small Worker with one object class: stores numbers, sets alarms, holds WebSockets. */
const WORKER = `
import { DurableObject } from 'cloudflare:workers';
export class User extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS entry (i INTEGER PRIMARY KEY, what TEXT)');
  }
  put(i) { this.ctx.storage.sql.exec('INSERT INTO entry VALUES (?, ?)', i, 'put'); }
  async arm(ms) { await this.ctx.storage.setAlarm(Date.now() + ms); }
  alarm() { this.ctx.storage.sql.exec('INSERT INTO entry (what) VALUES (?)', 'alarm'); }
  all() { return this.ctx.storage.sql.exec('SELECT what FROM entry').toArray().map((row) => row.what); }
  async fetch() {
    const [client, server] = Object.values(new WebSocketPair());
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }
  webSocketMessage(socket, text) { socket.send(text); }
}
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const user = env.USER.getByName(url.searchParams.get('user') ?? 'a');
    if (url.pathname === '/env') return Response.json({ secret: env.OFFHOOK_SECRET, shards: env.BOARD_SHARDS });
    if (url.pathname === '/watch') return user.fetch(request);
    if (url.pathname === '/put') { await user.put(Number(url.searchParams.get('i'))); return new Response('ok'); }
    if (url.pathname === '/arm') { await user.arm(Number(url.searchParams.get('ms'))); return new Response('ok'); }
    return Response.json(await user.all());
  },
};
`;

export const WRANGLER = `
name = "fixture"
main = "index.js"
compatibility_date = "2026-11-01"

[[durable_objects.bindings]]
name = "USER"
class_name = "User"

[vars]
BOARD_SHARDS = "4"
`;

export interface Fixture {
  readonly folder: string;
  readonly wrangler: string;
  remove(): Promise<void>;
}

/** The Worker above, or another, with its wrangler.toml in a temporary folder; `vars`: more of its variables, in TOML. */
export async function fixtureWorker(source = WORKER, vars = ''): Promise<Fixture> {
  const folder = await mkdtemp(join(tmpdir(), 'offhook-embedded-'));
  await writeFile(join(folder, 'index.js'), source);
  await writeFile(join(folder, 'wrangler.toml'), `${WRANGLER}${vars}\n`);
  return { folder, wrangler: join(folder, 'wrangler.toml'), remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Resolves when `check` gives something; asks again every 20 ms, for at most 10 s. */
export async function until<T>(check: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const end = performance.now() + 10_000;
  for (;;) {
    const found = await check();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`not so within 10 s: ${check}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Is there a process of that pid (a zombie counts as none)? */
export async function alive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
