import { randomUUID } from 'node:crypto';
import type { PresenceDocument } from '#protocol';
import { OffhookProblem, offhook, type WatchCondition, type WatchEvent } from '../../worker/client/index.ts';
import type { WatchSettings } from '../config/watch.ts';
import { readSecret } from '../embedded/secret.ts';
import { makeToken } from './make-token.ts';
import { EXIT, type Terminal } from './terminal.ts';

/** `offhook watch`: prints what is, then every change, and goes on where it was when the connection is lost. Ends with a signal. */
export async function watch(settings: WatchSettings, terminal: Terminal): Promise<number> {
  const fail = (text: string, code: number = EXIT.failed): number => {
    terminal.err(`offhook watch: ${text}\n`);
    return code;
  };
  const { url, user, domain } = settings;
  if ((user === undefined) === (domain === undefined)) return fail('--user or --domain is needed', EXIT.usage);
  const token = await tokenFor(settings);
  if (!token.ok) return fail(`${token.text}; set OFFHOOK_TOKEN to an access token of scope read`);
  // By events: of a connection that does not come about, they tell the reason.
  const client = offhook({ url, token: token.token, WebSocket: null });
  const onState = (condition: WatchCondition): void => {
    if (condition.state !== 'lost') return;
    const seconds = ((condition.retryAt - Date.now()) / 1000).toFixed(1);
    terminal.err(`offhook watch: ${condition.why}; trying again in ${seconds} s\n`);
  };
  const printer = new Printer(settings, terminal);
  try {
    const watched = domain === undefined ? { users: user ?? [] } : { domain };
    for await (const event of client.watch(watched, { signal: terminal.ending, onState })) printer.take(event);
  } catch (error) {
    if (error instanceof OffhookProblem) return fail(`the Worker answers ${error.status}: ${error.message}`);
    throw error;
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

/** Prints documents; one that was printed already, as in a second snapshot, it does not print again. */
class Printer {
  readonly #json: boolean;
  readonly #terminal: Terminal;
  readonly #printed = new Map<string, string>();

  constructor({ json }: WatchSettings, terminal: Terminal) {
    this.#json = json;
    this.#terminal = terminal;
  }

  take(event: WatchEvent): void {
    switch (event.type) {
      case 'snapshot':
        for (const { presence } of event.users) if (presence !== null) this.#print('snapshot', presence);
        return;
      case 'presence':
        this.#print('change', event.presence);
        return;
      case 'deleted':
        this.#printDeleted(event.user);
        return;
      case 'resumed': {
        const gap = event.exact ? '' : '; of each user only the newest change that was missed is told';
        this.#terminal.err(`offhook watch: connected again${gap}\n`);
      }
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
