import type { WatchFrame } from '../protocol/index.ts';
import type { OffhookProblem } from './problem.ts';
import { retryPause } from './retry.ts';
import type { WatchCondition, WatchEvent, Way } from './watch-types.ts';

/** The limits of a watch, ms. */
export const WATCH_LIMITS = {
  /** A connection must open within this. */
  open: 10_000,
  /** The silence after which it is asked whether it is still there (on events the Worker speaks every 15 s by itself), and the wait for the answer. */
  silence: 20_000,
  pong: 8_000,
  /** However long the Worker asks to wait, after this it is tried again. */
  after: 3_600_000,
} as const;

/** A watch over all its connections, as a value. Times are ms since 1970. */
export interface WatchState {
  /** `held`: it would connect again, but what was told is not taken yet. */
  readonly phase: 'idle' | 'opening' | 'open' | 'asked' | 'waiting' | 'held' | 'over';
  readonly way: Way;
  /** Whether a WebSocket is tried first. */
  readonly socket: boolean;
  /** Attempts in a row after which nothing was heard. */
  readonly attempt: number;
  /** After which frame to go on; undefined for a snapshot. */
  readonly cursor: string | undefined;
  /** Whether the present connection has told a whole snapshot, or that it goes on. */
  readonly live: boolean;
  /** What has come before that: parts of the snapshot, and changes, since another part may come from another board. */
  readonly parts: readonly Part[];
  /** When the Worker was last heard; undefined before the first word. */
  readonly heardAt: number | undefined;
  /** When `time` is due. */
  readonly deadline: number | undefined;
}

type Snapshot = Extract<WatchFrame, { type: 'snapshot' }>;
type Part = Pick<Snapshot, 'users' | 'reset'>;

/** What happens to a watch. `opened` to `refused` are of the present connection. */
export type WatchInput =
  | { readonly is: 'start' }
  | { readonly is: 'opened' }
  /** Something came: a keep-alive, a pong. */
  | { readonly is: 'heard' }
  | { readonly is: 'frame'; readonly frame: WatchFrame }
  /** The connection wants to know when all that was told before has been taken. */
  | { readonly is: 'check' }
  /** `after`: not again before so many seconds. */
  | { readonly is: 'closed'; readonly why: string; readonly after?: number | undefined }
  /** What the Worker refuses now it will refuse again. */
  | { readonly is: 'refused'; readonly problem: OffhookProblem }
  /** The deadline has come. `taken`: all that was told has been taken. */
  | { readonly is: 'time'; readonly taken: boolean }
  | { readonly is: 'taken' }
  /** Somebody does not want to wait for the next attempt. */
  | { readonly is: 'retry' }
  | { readonly is: 'stop' };

export type WatchAction =
  | { readonly do: 'open'; readonly way: Way; readonly cursor: string | undefined }
  | { readonly do: 'close' }
  | { readonly do: 'ping' }
  /** Answers a check once all that was told before has been taken: so a watcher that is slow is one to the Worker too, and what waits is bounded. */
  | { readonly do: 'ack' }
  | { readonly do: 'tell'; readonly event: WatchEvent }
  | { readonly do: 'condition'; readonly condition: WatchCondition }
  | { readonly do: 'fail'; readonly problem: OffhookProblem };

export interface WatchStep {
  readonly state: WatchState;
  readonly actions: readonly WatchAction[];
}

/** A watch that has not begun. `since`: the cursor to go on from; `socket`: whether there is a WebSocket to try first. */
export function newWatch(since: string | undefined, socket: boolean): WatchState {
  const way = socket ? 'websocket' : 'events';
  return {
    phase: 'idle',
    way,
    socket,
    attempt: 0,
    cursor: since,
    live: false,
    parts: [],
    heardAt: undefined,
    deadline: undefined,
  };
}

/** One step: what comes, at `now`, with `chance` (0 to 1) for the pause that may follow. What does not fit the state changes nothing. */
export function step(state: WatchState, input: WatchInput, now: number, chance: number): WatchStep {
  const { phase } = state;
  if (phase === 'over') return { state, actions: [] };
  if (input.is === 'stop') return over(state);
  if (input.is === 'start') return phase === 'idle' ? begin(state, now) : { state, actions: [] };
  switch (phase) {
    case 'idle':
      return { state, actions: [] };
    case 'waiting':
    case 'held':
      return paused(state, input, now);
    default:
      return connected(state, input, now, chance);
  }
}

/** While there is no connection. */
function paused(state: WatchState, input: WatchInput, now: number): WatchStep {
  const due = state.phase === 'held' ? input.is === 'taken' : input.is === 'time' && input.taken;
  if (due || input.is === 'retry') return begin(state, now);
  if (input.is === 'time') return { state: { ...state, phase: 'held', deadline: undefined }, actions: [] };
  return { state, actions: [] };
}

/** While there is one, or one is opened. */
function connected(state: WatchState, input: WatchInput, now: number, chance: number): WatchStep {
  switch (input.is) {
    case 'check':
      return { state, actions: [{ do: 'ack' }] };
    case 'opened':
    case 'heard':
      return { state: listening(state, now), actions: [] };
    case 'frame':
      return take({ ...listening(state, now), attempt: 0 }, input.frame);
    case 'closed':
      // The end of a connection is a word too.
      return lost(state.phase === 'opening' ? state : { ...state, heardAt: now }, input.why, input.after, now, chance);
    case 'refused': {
      const { state: ended, actions } = over(state);
      return { state: ended, actions: [...actions, { do: 'fail', problem: input.problem }] };
    }
    case 'time':
      return silent(state, now, chance);
    default:
      return { state, actions: [] };
  }
}

/** Nothing came for as long as may be. */
function silent(state: WatchState, now: number, chance: number): WatchStep {
  if (state.phase === 'open') {
    return { state: { ...state, phase: 'asked', deadline: now + WATCH_LIMITS.pong }, actions: [{ do: 'ping' }] };
  }
  const why = state.phase === 'asked' ? 'nothing was heard' : 'it does not answer';
  const { state: next, actions } = lost(state, why, undefined, now, chance);
  return { state: next, actions: [{ do: 'close' }, ...actions] };
}

function listening(state: WatchState, now: number): WatchState {
  return { ...state, phase: 'open', heardAt: now, deadline: now + WATCH_LIMITS.silence };
}

function begin(state: WatchState, now: number): WatchStep {
  return open({ ...state, way: state.socket ? 'websocket' : 'events' }, now, [
    { do: 'condition', condition: { state: 'connecting' } },
  ]);
}

function open(state: WatchState, now: number, actions: readonly WatchAction[]): WatchStep {
  const { way, cursor } = state;
  const next: WatchState = { ...state, phase: 'opening', live: false, deadline: now + WATCH_LIMITS.open };
  return { state: next, actions: [...actions, { do: 'open', way, cursor }] };
}

function lost(state: WatchState, why: string, after: number | undefined, now: number, chance: number): WatchStep {
  // A WebSocket that does not open tells nobody why, and proxies there are that let none through. The same feed as events does both.
  if (state.phase === 'opening' && state.way === 'websocket') return open({ ...state, way: 'events' }, now, []);
  const attempt = state.attempt + 1;
  const retryAt = now + Math.max(retryPause(attempt, chance), Math.min((after ?? 0) * 1000, WATCH_LIMITS.after));
  const condition: WatchCondition = { state: 'lost', heardAt: state.heardAt, retryAt, why };
  // A part of a snapshot is of no use, and nothing goes on from within one.
  return {
    state: { ...state, phase: 'waiting', attempt, parts: [], deadline: retryAt },
    actions: [{ do: 'condition', condition }],
  };
}

function over(state: WatchState): WatchStep {
  const connection = state.phase === 'opening' || state.phase === 'open' || state.phase === 'asked';
  return { state: { ...state, phase: 'over', parts: [], deadline: undefined }, actions: connection ? [{ do: 'close' }] : [] };
}

/** A frame: told as it is, but for a snapshot of several, which is told when it is whole. */
function take(state: WatchState, frame: WatchFrame): WatchStep {
  const { cursor } = frame;
  switch (frame.type) {
    case 'check':
      return { state: state.live ? { ...state, cursor } : state, actions: [{ do: 'ack' }] };
    case 'change': {
      const { presence } = frame;
      return tell(state, { type: 'presence', presence, cursor }, { users: [{ user: presence.user, presence }] });
    }
    case 'deleted':
      return tell(state, { type: 'deleted', user: frame.user, cursor }, { users: [{ user: frame.user, presence: null }] });
    case 'resumed':
      return begun(state, { type: 'resumed', exact: frame.exact, cursor });
    case 'snapshot': {
      const gathered = gather(state, { users: frame.users, ...(frame.reset === undefined ? {} : { reset: frame.reset }) });
      return frame.more ? { state: gathered, actions: [] } : begun(gathered, whole(gathered.parts, cursor));
    }
    default:
      // A frame of a later Worker.
      return { state, actions: [] };
  }
}

/** Tells what changed; before the snapshot is whole, it becomes a part of it. */
function tell(state: WatchState, event: WatchEvent, part: Part): WatchStep {
  if (!state.live) return { state: gather(state, part), actions: [] };
  return { state: { ...state, cursor: event.cursor }, actions: [{ do: 'tell', event }] };
}

/** Nothing goes on from within a snapshot. */
function gather(state: WatchState, part: Part): WatchState {
  return { ...state, cursor: undefined, parts: [...state.parts, part] };
}

function begun(state: WatchState, event: WatchEvent): WatchStep {
  const next: WatchState = { ...state, live: true, cursor: event.cursor, parts: [] };
  return {
    state: next,
    actions: [
      { do: 'tell', event },
      { do: 'condition', condition: { state: 'live' } },
    ],
  };
}

/** The parts as one: of a user that several tell of, the newest. */
function whole(parts: readonly Part[], cursor: string): WatchEvent {
  const users = new Map<string, Part['users'][number]>();
  for (const one of parts.flatMap((part) => part.users)) {
    const known = users.get(one.user)?.presence;
    if (known && one.presence && known.version > one.presence.version) continue;
    users.set(one.user, one);
  }
  const reset = parts.find((part) => part.reset !== undefined)?.reset;
  return { type: 'snapshot', users: [...users.values()], ...(reset === undefined ? {} : { reset }), cursor };
}
