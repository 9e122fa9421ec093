import { Asker } from '../../client/asker.ts';
import { type Watch, WatchLoop } from '../../client/watch.ts';
import type { WatchCondition } from '../../client/watch-types.ts';
import { applyEvent, type Board } from './board.ts';
import { StatusFilters } from './filters.ts';
import { UserList } from './list.ts';
import { compareUsers, countByStatus, passes, rowOf, type View } from './rows.ts';
import { readFragment, type Session, visibleFragment } from './session.ts';

const byId = <T extends HTMLElement = HTMLElement>(id: string) => document.getElementById(id) as T;
const form = byId<HTMLFormElement>('login');
const domainField = byId<HTMLInputElement>('domain');
const tokenField = byId<HTMLInputElement>('token');
const search = byId<HTMLInputElement>('search');
const list = new UserList(byId('users'));
const filters = new StatusFilters(byId('filters'), () => draw());

let board: Board = new Map();
let watch: Watch | undefined;
let session: Session | undefined;
/** Whether all is told as it happens. */
let live = false;
/** When the connection was lost and when the next attempt is, ms since 1970. */
let lost: { readonly at: number; readonly retryAt: number } | undefined;
let drawing = false;

const clock = (ms: number) => new Date(ms).toLocaleTimeString(undefined, { hour12: false });

/** Draws once for all the frames of one moment. */
function drawSoon(): void {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    draw();
  });
}

function draw(): void {
  if (!session) return;
  const now = Date.now();
  const view: View = { now, lostAt: live ? undefined : (lost?.at ?? now), clock };
  const filter = { text: search.value, status: filters.chosen };
  const rows = [...board.values()].map((presence) => rowOf(presence, view)).filter((row) => passes(row, filter));
  rows.sort((a, b) => compareUsers(a.user, b.user));
  list.show(rows);
  filters.show(countByStatus(board), board.size);
  setText('empty', emptyWords(rows.length));
  setText('state', stateWords(now));
  document.body.dataset.state = lost ? 'lost' : live ? 'live' : 'connecting';
  setText('told', lost ? `Not connected. What is shown is as of ${clock(lost.at)}.` : live ? 'Connected.' : '');
}

function emptyWords(rows: number): string {
  if (rows > 0 || (!live && !lost)) return '';
  if (board.size > 0) return 'Nobody matches.';
  return lost ? '' : `No user of ${session?.domain} has been seen yet. Register a telephone and it shows here.`;
}

function stateWords(now: number): string {
  if (!lost) return live ? 'Live' : 'Connecting';
  const pause = Math.max(0, Math.ceil((lost.retryAt - now) / 1000));
  const known = board.size > 0 ? `; as of ${clock(lost.at)}` : '';
  return `Not connected${known}. ${pause > 0 ? `Trying again in ${pause} s` : 'Trying again'}`;
}

/** Touches the page only where the words differ: a live region speaks at every touch. */
function setText(id: string, text: string): void {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

function open(next: Session): void {
  close();
  if (session?.domain !== next.domain) board = new Map();
  session = next;
  lost = undefined;
  sessionStorage.setItem('offhook.domain', next.domain);
  sessionStorage.setItem('offhook.token', next.token);
  history.replaceState(null, '', visibleFragment(next.domain));
  document.title = `${next.domain} - Offhook`;
  setText('shown-domain', next.domain);
  show('board');
  const { token, domain } = next;
  // Of the typed client the watch alone: the page has no use for the rest.
  const onState = (condition: WatchCondition) => stands(opened, condition);
  const opened = new WatchLoop(new Asker({ url: location.origin, token }), { domain }, WebSocket, { onState });
  watch = opened;
  void follow(opened);
  draw();
}

function close(): void {
  watch?.close();
  watch = undefined;
  live = false;
}

/** Takes in all that a watch tells, until it is another one that the page shows. */
async function follow(opened: Watch): Promise<void> {
  try {
    for await (const event of opened) {
      if (watch !== opened) return;
      board = applyEvent(board, event);
      // Until its snapshot is complete, a new connection knows no more than the lost one.
      if (event.type === 'snapshot' || event.type === 'resumed') {
        live = true;
        lost = undefined;
      }
      drawSoon();
    }
  } catch (error) {
    if (watch === opened) ask(`The Worker refused: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function stands(opened: Watch, condition: WatchCondition): void {
  if (watch !== opened || condition.state !== 'lost') return;
  live = false;
  lost = { at: lost?.at ?? condition.heardAt ?? Date.now(), retryAt: condition.retryAt };
  draw();
}

/** Asks for domain and token, with a word on why. */
function ask(why: string): void {
  close();
  session = undefined;
  board = new Map();
  sessionStorage.removeItem('offhook.token');
  domainField.value = sessionStorage.getItem('offhook.domain') ?? '';
  tokenField.value = '';
  setText('why', why);
  show('login');
  (domainField.value ? tokenField : domainField).focus();
}

function show(part: 'board' | 'login'): void {
  byId('board').hidden = part !== 'board';
  byId('session').hidden = part !== 'board';
  form.hidden = part !== 'login';
  document.body.dataset.state = part === 'login' ? 'login' : 'connecting';
}

function begin(): void {
  const given = readFragment(location.hash);
  const domain = given.domain ?? sessionStorage.getItem('offhook.domain');
  const token = given.token ?? sessionStorage.getItem('offhook.token');
  if (given.domain) sessionStorage.setItem('offhook.domain', given.domain);
  if (domain && token) open({ domain: domain.toLowerCase(), token });
  else ask('');
}

form.onsubmit = (event) => {
  event.preventDefault();
  open({ domain: domainField.value.trim().toLowerCase(), token: tokenField.value.trim() });
};
byId('change').onclick = () => ask('');
byId('retry').onclick = () => watch?.retry();
search.oninput = draw;
addEventListener('hashchange', begin);
addEventListener('online', () => watch?.retry());
addEventListener('keydown', (event) => {
  const typing = event.target instanceof HTMLInputElement;
  if (event.key === '/' && !typing && session) {
    event.preventDefault();
    search.focus();
  }
  if (event.key === 'Escape' && event.target === search) {
    search.value = '';
    draw();
  }
});
// The one timer of ages and of the countdown.
setInterval(() => {
  if (!document.hidden) draw();
}, 1000);
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) draw();
});
begin();
