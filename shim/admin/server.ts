import { rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import type { Log } from '../log.ts';
import { LagMeter } from './lag.ts';
import { metrics } from './metrics.ts';
import { healthOf, type ShimStatus } from './status.ts';

/** Programs that ask at once; more are refused. */
const CONNECTIONS = 32;
/** A request must be whole within so long, ms. */
const REQUEST_TIMEOUT = 5000;
/** The path of a socket may have so many bytes (sun_path, less its end). */
const SOCKET_PATH = 103;

/** The socket in a state folder at which its shim is asked for its status. */
export const statusSocket = (stateDir: string): string => join(stateDir, 'status.sock');

export interface AdminOptions {
  readonly host: string;
  /** 0 for none. */
  readonly port: number;
  /** Where the socket for `offhook status` is made; undefined for none. */
  readonly stateDir: string | undefined;
  readonly status: () => ShimStatus;
  /** An update may wait so long until /healthz says so, ms. Asked at each request. */
  readonly outboxAge: () => number;
  readonly log: Log;
}

/** The shim's own small web server, for whoever looks after it. */
export interface Admin {
  /** The port it was given; undefined where there is none. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

/**
 * Serves /metrics, /healthz and /status on a port, where one is set, and on a socket in the state folder. Rejects with a sentence where the
 * port cannot be had; a socket that cannot be made is told in the log alone.
 */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const lag = new LagMeter();
  const answer = answers(options, lag);
  const servers: Server[] = [];
  try {
    if (options.port !== 0) servers.push(await listen(answer, { host: options.host, port: options.port }));
  } catch (error) {
    lag.close();
    throw new Error(`cannot listen on HTTP ${options.host} port ${options.port} (admin-port): ${(error as Error).message}`);
  }
  const path = options.stateDir === undefined || process.platform === 'win32' ? undefined : statusSocket(options.stateDir);
  const port = (servers[0]?.address() as { port: number } | null | undefined)?.port;
  try {
    if (path !== undefined && Buffer.byteLength(path) > SOCKET_PATH) {
      options.log.info('no socket for `offhook status`: the path of the state folder is too long', { path });
    } else if (path !== undefined) {
      // The folder is ours alone: what lies there is that of a process that was killed.
      rmSync(path, { force: true });
      servers.push(await listen(answer, { path }));
    }
  } catch (error) {
    options.log.warn('no socket for `offhook status`', { error: (error as Error).message });
  }
  return {
    port,
    async close() {
      lag.close();
      await Promise.all(servers.map((server) => closed(server)));
    },
  };
}

function answers({ status, outboxAge }: AdminOptions, lag: LagMeter): RequestListener {
  return (request, response) => {
    const say = (code: number, type: string, body: string) => {
      response.writeHead(code, { 'content-type': type, 'cache-control': 'no-store', 'content-length': Buffer.byteLength(body) });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    const json = (code: number, body: object) => say(code, 'application/json', `${JSON.stringify(body)}\n`);
    if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { error: 'GET and HEAD alone' });
    const now = status();
    const health = healthOf(now, outboxAge());
    switch (request.url?.split('?')[0]) {
      case '/healthz':
        return json(health.status === 'ok' ? 200 : 503, health);
      case '/status':
        return json(200, { ...now, health });
      case '/metrics': {
        const usage = { cpu: process.cpuUsage(), memory: process.memoryUsage() };
        return say(200, 'text/plain; version=0.0.4; charset=utf-8', metrics(now, health, lag.read(), usage));
      }
      default:
        return json(404, { error: 'there are /metrics, /healthz and /status' });
    }
  };
}

function listen(answer: RequestListener, where: { host: string; port: number } | { path: string }): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ requestTimeout: REQUEST_TIMEOUT, headersTimeout: REQUEST_TIMEOUT }, answer);
    server.maxConnections = CONNECTIONS;
    server.once('error', reject);
    server.listen(where, () => resolve(server));
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
