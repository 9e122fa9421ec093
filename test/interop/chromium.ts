import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { program } from './program.ts';

const SWITCHES = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--no-default-browser-check',
  '--remote-debugging-port=0',
  '--window-size=1280,800',
];

/** One page in a headless Chromium, driven over the DevTools protocol. */
export interface Page {
  /** The value that the expression comes to in the page, promises awaited. */
  evaluate<T>(expression: string): Promise<T>;
  /** A PNG of what is in view. */
  screenshot(): Promise<Buffer>;
  /** What the page wrote to its console as errors, and what it threw. */
  readonly problems: string[];
  close(): Promise<void>;
}

/** Resolves when the page has been loaded. */
export async function openPage(url: string): Promise<Page> {
  const profile = await mkdtemp(join(tmpdir(), 'chromium-'));
  const child = spawn(program('chromium'), [...SWITCHES, `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  const end = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await exited;
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  try {
    const devtools = await connect(await debuggerUrl(child.stderr));
    const { targetId } = await devtools.send<{ targetId: string }>('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await devtools.send<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true });
    const problems: string[] = [];
    const loaded = Promise.withResolvers<void>();
    devtools.onEvent = (method, params) => {
      if (method === 'Page.loadEventFired') loaded.resolve();
      if (method === 'Runtime.exceptionThrown' || (method === 'Log.entryAdded' && params.entry?.level === 'error')) {
        problems.push(JSON.stringify(params));
      }
    };
    for (const domain of ['Runtime', 'Log', 'Page']) await devtools.send(`${domain}.enable`, {}, sessionId);
    await devtools.send('Page.navigate', { url }, sessionId);
    await loaded.promise;
    return {
      problems,
      async evaluate<T>(expression: string) {
        const parameters = { expression, awaitPromise: true, returnByValue: true };
        const answer = await devtools.send<Evaluation<T>>('Runtime.evaluate', parameters, sessionId);
        if (answer.exceptionDetails) throw new Error(JSON.stringify(answer.exceptionDetails));
        return answer.result.value;
      },
      async screenshot() {
        const { data } = await devtools.send<{ data: string }>('Page.captureScreenshot', { format: 'png' }, sessionId);
        return Buffer.from(data, 'base64');
      },
      async close() {
        devtools.close();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

interface Evaluation<T> {
  readonly result: { readonly value: T };
  readonly exceptionDetails?: unknown;
}

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly entry?: { readonly level: string } };
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** Chromium says on standard error where its debugger listens. */
async function debuggerUrl(stderr: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stderr })) {
    const match = /^DevTools listening on (ws:\S+)/.exec(line);
    if (match?.[1]) {
      stderr.resume();
      return match[1];
    }
  }
  throw new Error('Chromium ended before it listened for its debugger');
}

async function connect(url: string) {
  const socket = new WebSocket(url);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let last = 0;
  const devtools = {
    onEvent: (_method: string, _params: NonNullable<Answer['params']>) => {},
    send<T>(method: string, params: object = {}, sessionId?: string): Promise<T> {
      const answer = Promise.withResolvers<unknown>();
      waiting.set(++last, answer);
      socket.send(JSON.stringify({ id: last, method, params, sessionId }));
      return answer.promise as Promise<T>;
    },
    close: () => socket.close(),
  };
  socket.addEventListener('message', ({ data }) => {
    const { id, method, params, result, error }: Answer = JSON.parse(String(data));
    if (method !== undefined) devtools.onEvent(method, params ?? {});
    if (id === undefined) return;
    if (error) waiting.get(id)?.reject(new Error(error.message));
    else waiting.get(id)?.resolve(result);
    waiting.delete(id);
  });
  socket.addEventListener('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('Chromium closed the connection to its debugger'));
  });
  await once(socket, 'open');
  return devtools;
}
