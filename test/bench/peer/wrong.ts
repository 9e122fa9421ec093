import { readSettings, SHIM_SETTINGS, showProblems } from '../../../shim/config.ts';
import { type GhostBounds, worstGhost } from '../../../shim/ghost.ts';
import type { LeanPhones } from '../../support/lean-phones.ts';
import { round } from '../figure.ts';
import { apart, type Context, SIDES, startServer, withServer } from './context.ts';
import { callUp, fewPhones, registered, wrongAt } from './few-phones.ts';
import type { OffhookServer } from './offhook.ts';
import { type Cell, ofRuns, type Row } from './row.ts';
import type { Server, Watch } from './server.ts';

/** Pairs of each kind: their BYE is lost; they vanish; the caller's registration expires. */
const PAIRS = 10;
/** One pair after the other, ms: together as long as the longest of the timers at which the peer looks around, so that they meet it at all its moments. */
const APART = 500;
type Pair = readonly [caller: string, callee: string];
const pairsOf = (kind: string): readonly Pair[] => Array.from({ length: PAIRS }, (_, n) => [`${kind}a0${n}`, `${kind}b0${n}`]);
const LOST = pairsOf('l');
const VANISHED = pairsOf('v');
const EXPIRING = pairsOf('e');
const USERS = [...LOST, ...VANISHED, ...EXPIRING].flat();
/** Length of the registration that expires, s. */
const EXPIRES = 6;
/** Nothing is watched for longer, s. */
const WATCHED = 120;
/** A call is shown within so long, s. */
const SHOWN = 10;
/** How long a dialog lasts in the peer where nothing says otherwise, s: its own default. */
const DIALOG_LIFETIME = 43_200;

interface Wrong {
  readonly lostBye: Cell;
  readonly vanished: Cell;
  readonly expired: Cell;
  readonly said: Cell;
  readonly over: Cell;
  /** The bounds that it states, s: as set here, and by default. */
  readonly bounds: { readonly set: number; readonly byDefault: number } | undefined;
}

/**
 * How long presence is wrong after what goes wrong with calls and telephones. Both ask calls whether they live as often as their settings
 * take. There is no load, so both run at once; nothing else runs until what is a matter of milliseconds is over.
 */
export async function wrongRows(context: Context): Promise<Row[]> {
  const release = await context.turns.take();
  const quick = SIDES.map(() => Promise.withResolvers<void>());
  void Promise.all(quick.map(({ promise }) => promise)).then(release);
  const [ours, peer] = (await Promise.all(
    SIDES.map(async (side, n) => measured(await apart(context), side, () => quick[n]?.resolve())),
  ).finally(release)) as [Wrong, Wrong];
  const row = (name: string, of: 'lostBye' | 'vanished' | 'expired' | 'said' | 'over', more: Partial<Row> = {}): Row => ({
    group: 'wrong',
    name,
    unit: 's',
    ours: ours[of],
    peer: peer[of],
    ...more,
  });
  // What is stated is kept by all of them, not by the middle one alone.
  const bound = ours.bounds?.set ?? Number.NaN;
  const stated = (of: 'lostBye' | 'vanished'): Partial<Row> => {
    const over = (ours[of].runs ?? []).filter((seconds) => seconds > bound);
    const failed = [`${over.length} of ${PAIRS} were shown for more than ${bound} s`];
    return { goal: { of: 'ours', at: 'most', value: bound }, ...(over.length > 0 && { ours: { ...ours[of], failed } }) };
  };
  const note = `the middle of ${PAIRS}. Offhook: --probe-interval=10s --probe-tries=2 --probe-retry=1s; Kamailio: ka_timer 5, ka_interval 30, the least it takes`;
  return [
    row('a lost BYE: until nobody is shown in the call', 'lostBye', { note, ...stated('lostBye') }),
    row('both telephones vanish in mid-call: until nobody is shown in it', 'vanished', { note, ...stated('vanished') }),
    {
      ...row('the same by default settings, at most (not waited for)', 'vanished'),
      ours: { value: ours.bounds?.byDefault ?? Number.NaN },
      peer: { value: DIALOG_LIFETIME },
      note: 'from the settings of both',
    },
    row('a registration expires in mid-call: until that is shown', 'expired'),
    row('what is shown then', 'said', {
      unit: '',
      note: 'Kamailio tells of calls and of registrations in two documents, which nothing brings together',
    }),
    row('that call ends: until that is shown', 'over'),
  ];
}

/** `quick` is called when what is left is a matter of many seconds. */
async function measured(context: Context, side: Server['name'], quick: () => void): Promise<Wrong> {
  return await withServer(startServer(side, context, 'presence', { watchful: true }), async (server) => {
    const phones: LeanPhones[] = [];
    const opened = async () => {
      const one = await fewPhones(server);
      phones.push(one);
      return one;
    };
    let watch: Watch | undefined;
    try {
      const [lost, expiring] = [await opened(), await opened()];
      const vanishing = await Promise.all(VANISHED.map(opened));
      for (const user of LOST.flat()) await registered(lost, user);
      for (const [, callee] of EXPIRING) await registered(expiring, callee);
      for (const [n, pair] of VANISHED.entries()) for (const user of pair) await registered(vanishing[n] as LeanPhones, user);
      const looking = await server.watch(USERS, true);
      watch = looking;
      const { seen } = looking;
      const secondsFrom = async (began: number, within: number, is: () => boolean) => {
        const at = await seen.moment(is, began + within * 1000 - performance.now());
        return at === undefined ? Number.POSITIVE_INFINITY : (at - began) / 1000;
      };
      /** Puts a pair into a call, and waits until that is shown. */
      const talking = async (own: LeanPhones, pair: Pair) => {
        const call = await callUp(own, ...pair);
        const shown = await secondsFrom(performance.now(), SHOWN, () => wrongAt(looking, pair, []).length === 0);
        if (shown === Number.POSITIVE_INFINITY) throw new Error(`${side}: the call of ${pair.join(' and ')} is not shown`);
        return call;
      };
      const isShown = (pair: Pair) => seen.busy().some((text) => pair.includes(text.split(' ')[0] ?? ''));
      const untilGone = async (pair: Pair) => secondsFrom(performance.now(), WATCHED, () => !isShown(pair));
      const losing = async (pair: Pair) => {
        const call = await talking(lost, pair);
        lost.forget(call.callId);
        return await untilGone(pair);
      };
      const vanish = async (pair: Pair, n: number) => {
        const own = vanishing[n] as LeanPhones;
        await talking(own, pair);
        own.vanish();
        return await untilGone(pair);
      };
      const expire = async (pair: Pair) => {
        // From before it is sent: the server counts from when it has it.
        const expires = performance.now() + EXPIRES * 1000;
        await registered(expiring, pair[0], EXPIRES);
        const call = await talking(expiring, pair);
        const expired = await secondsFrom(expires, SHOWN, () => !seen.isRegistered(pair[0]));
        const [said = ''] = (await server.wrongOf?.([pair[0]])) ?? [];
        const dialog = seen.isTalking(pair[0]) ? 'confirmed' : 'none';
        const words = said === '' ? `dialog: ${dialog}; presence: closed` : (said.split(' ')[1] ?? '');
        const ended = performance.now();
        void call.bye();
        return { expired, words, over: await secondsFrom(ended, SHOWN, () => !seen.isTalking(pair[0])) };
      };
      context.say(`${side}: BYEs are lost, telephones vanish, registrations expire: ${PAIRS} of each`);
      const slow = Promise.all([inTurn(LOST, losing), inTurn(VANISHED, vanish)]);
      const expired = inTurn(EXPIRING, expire).finally(quick);
      const [[lostBye, vanished], rest] = await Promise.all([slow, expired]);
      return {
        lostBye: cellOf(lostBye),
        vanished: cellOf(vanished),
        expired: cellOf(rest.map((one) => one.expired)),
        said: { value: Number.NaN, text: [...new Set(rest.map(({ words }) => words))].join(', or ') },
        over: cellOf(rest.map((one) => one.over)),
        bounds: await boundsOf(server),
      };
    } finally {
      quick();
      watch?.close();
      for (const one of phones) one.close();
    }
  });
}

/** One pair after the other begins. */
async function inTurn<T>(pairs: readonly Pair[], work: (pair: Pair, n: number) => Promise<T>): Promise<T[]> {
  return await Promise.all(
    pairs.map(async (pair, n) => {
      await pause(n * APART);
      return await work(pair, n);
    }),
  );
}

/** What a shim states of itself, as it is set here and as it would be by default. */
async function boundsOf(server: Server): Promise<Wrong['bounds']> {
  if (server.name !== 'Offhook') return undefined;
  const { ghost } = await (server as OffhookServer).shim.status();
  const worst = ({ probed, hardCap }: GhostBounds) => (probed ?? hardCap) / 1000;
  return { set: worst(ghost), byDefault: worst(byDefault()) };
}

function byDefault(): GhostBounds {
  const settings = readSettings(SHIM_SETTINGS, ['--worker-url=http://127.0.0.1'], { OFFHOOK_TOKEN: 'e30.e30.e30' });
  if (!settings.ok) throw new Error(showProblems(settings.problems));
  return worstGhost(settings.settings);
}

/** The middle of the pairs that were seen to end, and the longest of them, or how many were not. */
function cellOf(seconds: readonly number[]): Cell {
  const ended = seconds.filter(Number.isFinite);
  if (ended.length === 0) return { value: Number.POSITIVE_INFINITY, runs: seconds, text: 'not seen to end' };
  const endless = seconds.length - ended.length;
  const text = endless > 0 ? `${endless} of ${seconds.length} not seen to end` : `${round(Math.max(...ended))} at most`;
  return { ...ofRuns(ended), runs: seconds.map((value) => round(value)), text: `(${text})` };
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, Math.max(0, ms)));
