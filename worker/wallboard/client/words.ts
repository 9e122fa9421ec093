import type { CallDocument, Status } from '../../protocol/index.ts';

/** The statuses in the order of the filter buttons, each with its word. */
export const STATUS_WORDS: { readonly [status in Status]: string } = {
  talking: 'Talking',
  ringing: 'Ringing',
  calling: 'Calling',
  held: 'On hold',
  'offline-waiting': 'Off-line, in a call',
  dnd: 'Do not disturb',
  busy: 'Busy',
  away: 'Away',
  available: 'Available',
  offline: 'Off-line',
  unknown: 'Unknown',
};

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago, in words: `now`, `12 s`, `3 min`, `2 h 5 min`, `4 days`. Clocks may differ: what lies ahead counts as now. */
export function ageWords(ms: number): string {
  if (!(ms >= SECOND)) return 'now';
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) {
    const minutes = Math.floor((ms % HOUR) / MINUTE);
    return `${Math.floor(ms / HOUR)} h${minutes === 0 ? '' : ` ${minutes} min`}`;
  }
  const days = Math.floor(ms / DAY);
  return days === 1 ? '1 day' : `${days} days`;
}

/** `sip:alice@example.com` -> `alice`; escapes undone where they can be. */
export function userName(aor: string): string {
  const name = aor.replace(/^[a-z]+:/i, '').replace(/@[^@]*$/, '');
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Who is at the other end: the name, else the user of the address, else nothing where the token does not show it. */
export function peerWords(call: CallDocument): string {
  if (!call.peer) return '';
  return call.peer.name?.trim() || userName(call.peer.uri.replace(/[;?].*$/, '')) || call.peer.uri;
}

/** One line on a call: `from Bob · 3 min · on hold`. `now` is ms since 1970; without it (not connected) no age is told. */
export function callWords(call: CallDocument, now: number | undefined): string {
  const peer = peerWords(call);
  const direction = call.direction === 'incoming' ? 'from' : 'to';
  const began = Date.parse(call.answeredAt ?? call.startedAt);
  const early = call.direction === 'incoming' ? 'ringing' : 'calling';
  return [
    peer ? `${direction} ${peer}` : call.direction,
    now === undefined ? '' : ageWords(now - began),
    call.state === 'early' ? early : '',
    call.state === 'terminating' ? 'ending' : '',
    call.held ? 'on hold' : '',
  ]
    .filter(Boolean)
    .join(' · ');
}
