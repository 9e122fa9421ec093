import { randomUUID } from 'node:crypto';
import type { PresenceDocument, WatchFrame } from '#protocol';
import { EventStream } from '../../worker/client/event-stream.ts';
import type { WatchSettings } from '../config/watch.ts';
import { readSecret } from '../embedded/secret.ts';
import { makeToken } from './make-token.ts';
import { EXIT, type Terminal } from './terminal.ts';

/** First and longest pause before it connects again, ms. */
const PAUSE_MIN = 500;
const PAUSE_MAX = 30_000;
/** The Worker sends something at least every 15 s; after so long without a word the connection counts as lost, ms. */
const SILENCE = 45_000;

/** How a connection ended: for good (with why), or to be opened again. */
type End = { readonly refused: string } | { readonly refused?: undefined; readonly heard: boolean; readonly why: string };

/** `offhook watch`: prints what is, then every change, and goes on where it was when the connection is lost. Ends with a signal. */
export async function watch(settings: WatchSettings, terminal: Terminal): Promise<number> {
  const fail = (text: string, code: number = EXIT.failed): number => {
    terminal.err(`offhook watch: ${text}\n`);
    return code;
  };
  if ((settings.user === undefined) === (settings.domain === undefined)) return fail('--user or --domain is needed', EXIT.usage);
  const token = await tokenFor(settings);
  if (!token.ok) return fail(`${token.text}; set OFFHOOK_TOKEN to an access token of scope read`);
  const printer = new Printer(settings, terminal);
  for (let attempt = 0; !terminal.ending.aborted; ) {
    const end = await follow(settings, token.token, printer, terminal.ending);
    if (end.refused !== undefined) return fail(end.refused);
    if (terminal.ending.aborted) break;
    attempt = end.heard ? 1 : attempt + 1;
    const pause = Math.min(PAUSE_MAX, PAUSE_MIN * 2 ** Math.min(attempt - 1, 10)) * (1 - Math.random() / 2);
    terminal.err(`offhook watch: ${end.why}; trying again in ${(pause / 1000).toFixed(1)} s\n`);
    await paused(pause, terminal.ending);
  }
  return EXIT.ok;
}

type Token = { readonly ok: true; readonly token: string } | { readonly ok: false; readonly text: string };

async function tokenFor({ token, secret, stateDir }: WatchSettings): Promise<Token> {
  if (token !== undefined) return { ok: true, token };
  const found = secret === undefined ? await readSecret(stateDir) : { ok: true as const, secret };
  if (!found.ok) return found;
  const request = { scope: ['read' as const], domain: '*', detail: 'full' as const, subject: 'offhook watch' };
  return { ok: true, token: await makeToken(request, found.secret, Date.now(), randomUUID()) };
}

/** One connection, until it ends. */
async function follow(settings: WatchSettings, token: string, printer: Printer, ending: AbortSignal): Promise<End> {
  const query = new URLSearchParams(settings.domain === undefined ? undefined : { domain: settings.domain });
  for (const user of settings.user ?? []) query.append('user', user);
  const headers: Record<string, string> = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
  if (printer.cursor !== undefined) headers['last-event-id'] = printer.cursor;
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(new Error('nothing was heard')), SILENCE);
  let heard = false;
  try {
    const signal = AbortSignal.any([ending, silence.signal]);
    const response = await fetch(`${settings.url}/v1/events?${query}`, { headers, signal });
    if (!response.ok || response.body === null) return await refusal(response);
    const stream = new EventStream();
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(new Error('nothing was heard')), SILENCE);
      for (const { event, data } of stream.take(piece)) {
        if (event === 'end')
          return { heard, why: `the Worker ended it: ${(JSON.parse(data) as { reason: string }).reason || 'no reason'}` };
        heard = true;
        printer.take(JSON.parse(data) as WatchFrame);
      }
    }
    return { heard, why: 'the connection was closed' };
  } catch (error) {
    const { message, cause } = error as Error;
    return {
      heard,
      why: `not connected: ${cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : message}`,
    };
  } finally {
    clearTimeout(timer);
  }
}

/** What the Worker refuses is refused the next time too, unless it says that it is only for now. */
async function refusal(response: Response): Promise<End> {
  const problem = (await response.json().catch(() => ({}))) as { detail?: string };
  const text = `the Worker answers ${response.status}${problem.detail === undefined ? '' : `: ${problem.detail}`}`;
  const passing = response.status >= 500 || response.status === 429 || response.status === 408;
  return passing ? { heard: false, why: text } : { refused: text };
}

/** Prints documents; one that was printed already, as in a second snapshot, it does not print again. */
class Printer {
  /** After which event to go on. */
  cursor: string | undefined;
  readonly #json: boolean;
  readonly #terminal: Terminal;
  readonly #printed = new Map<string, string>();

  constructor({ json }: WatchSettings, terminal: Terminal) {
    this.#json = json;
    this.#terminal = terminal;
  }

  take(frame: WatchFrame): void {
    this.cursor = frame.cursor;
    if (frame.type === 'snapshot')
      for (const { presence } of frame.users) if (presence !== null) this.#print(frame.type, presence);
    if (frame.type === 'change') this.#print(frame.type, frame.presence);
    if (frame.type === 'deleted') this.#printDeleted(frame.user);
    if (frame.type === 'resumed') {
      const gap = frame.exact ? '' : '; of each user only the newest change that was missed is told';
      this.#terminal.err(`offhook watch: connected again${gap}\n`);
    }
  }

  #printDeleted(user: string): void {
    this.#printed.delete(user);
    const at = new Date().toISOString();
    this.#terminal.out(
      this.#json ? `${JSON.stringify({ at, event: 'deleted', user })}\n` : `${printable(`${at}  ${user}  deleted`)}\n`,
    );
  }

  #print(event: string, presence: PresenceDocument): void {
    const text = JSON.stringify(presence);
    if (this.#printed.get(presence.user) === text) return;
    this.#printed.set(presence.user, text);
    const at = new Date().toISOString();
    this.#terminal.out(this.#json ? `${JSON.stringify({ at, event, presence })}\n` : line(at, presence));
  }
}

/** `2026-11-24T10:00:00.123Z  sip:alice@example.com  talking  outgoing sip:bob@example.com`. */
function line(at: string, { user, status, stale, calls }: PresenceDocument): string {
  const told = calls.map(({ direction, peer, held }) => [direction, peer?.uri, held ? 'held' : ''].filter(Boolean).join(' '));
  return `${printable([at, user, status, ...(stale ? ['stale'] : []), ...told].join('  '))}\n`;
}

/** Names of peers are others' words: no control character of theirs reaches the terminal. */
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '\ufffd');

function paused(ms: number, ending: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    ending.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      ending.removeEventListener('abort', done);
      resolve();
    }
  });
}
