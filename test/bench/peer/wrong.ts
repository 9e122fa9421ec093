import { readSettings, SHIM_SETTINGS, showProblems } from '../../../shim/config.ts';
import { type GhostBounds, worstGhost } from '../../../shim/ghost.ts';
import type { LeanPhones } from '../../support/lean-phones.ts';
import { quietPort } from '../../support/port.ts';
import { round } from '../figure.ts';
import { type Context, startServer, withServer } from './context.ts';
import { callUp, fewPhones, registered, secondsUntil, wrongAt } from './few-phones.ts';
import type { OffhookServer } from './offhook.ts';
import type { Cell, Row } from './row.ts';
import type { Server, Watch } from './server.ts';

/** Pairs of users: their BYE is lost; they vanish; the caller's registration expires. */
const LOST = ['l000', 'l001'] as const;
const VANISHED = ['v000', 'v001'] as const;
const EXPIRING = ['e000', 'e001'] as const;
const USERS = [...LOST, ...VANISHED, ...EXPIRING];
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
 * take. There is no load, so both run at once, at ports of their own.
 */
export async function wrongRows(context: Context): Promise<Row[]> {
  const own = async (): Promise<Context> => ({ ...context, ports: { ...context.ports, server: await quietPort() } });
  const [ours, peer] = await Promise.all([measured(await own(), 'Offhook'), measured(await own(), 'Kamailio')]);
  const row = (name: string, of: 'lostBye' | 'vanished' | 'expired' | 'said' | 'over', more: Partial<Row> = {}): Row => ({
    group: 'wrong',
    name,
    unit: 's',
    ours: ours[of],
    peer: peer[of],
    ...more,
  });
  const most = (value: number | undefined): Partial<Row> =>
    value === undefined ? {} : { goal: { of: 'ours', at: 'most', value } };
  const note =
    'Offhook: --probe-interval=10s --probe-tries=2 --probe-retry=1s; Kamailio: ka_timer 5, ka_interval 30, the least it takes';
  return [
    row('a lost BYE: until nobody is shown in the call', 'lostBye', { note, ...most(ours.bounds?.set) }),
    row('both telephones vanish in mid-call: until nobody is shown in it', 'vanished', { note, ...most(ours.bounds?.set) }),
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

async function measured(context: Context, side: Server['name']): Promise<Wrong> {
  return await withServer(startServer(side, context, 'presence', { watchful: true }), async (server) => {
    const phones: LeanPhones[] = [];
    let watch: Watch | undefined;
    try {
      const [lost, vanished, expiring] = [await fewPhones(server), await fewPhones(server), await fewPhones(server)];
      phones.push(lost, vanished, expiring);
      for (const user of LOST) await registered(lost, user);
      for (const user of VANISHED) await registered(vanished, user);
      await registered(expiring, EXPIRING[1]);
      await registered(expiring, EXPIRING[0], EXPIRES);
      const expires = performance.now() + EXPIRES * 1000;
      const looking = await server.watch(USERS, true);
      watch = looking;
      const { seen } = looking;
      const lostCall = await callUp(lost, ...LOST);
      await callUp(vanished, ...VANISHED);
      const expiringCall = await callUp(expiring, ...EXPIRING);
      const shown = await secondsUntil(performance.now(), SHOWN, () => wrongAt(looking, USERS, []).length === 0);
      if (shown === undefined) throw new Error(`${side}: the calls are not shown: ${wrongAt(looking, USERS, []).join(', ')}`);
      context.say(`${side}: a BYE is lost, two telephones vanish, a registration expires`);
      lost.forget(lostCall.callId);
      vanished.vanish();
      const began = performance.now();
      const gone = async (pair: readonly string[]) =>
        cellOf(await secondsUntil(began, WATCHED, () => !seen.busy().some((text) => pair.includes(text.split(' ')[0] ?? ''))));
      const expiry = async () => {
        await pause(expires - performance.now());
        const expired = cellOf(await secondsUntil(expires, SHOWN, () => !seen.isRegistered(EXPIRING[0])));
        const [said = ''] = (await server.wrongOf?.([EXPIRING[0]])) ?? [];
        const talking = seen.isTalking(EXPIRING[0]);
        const words = said === '' ? `dialog: ${talking ? 'confirmed' : 'none'}; presence: closed` : said.split(' ')[1];
        const ended = performance.now();
        void expiringCall.bye();
        const over = cellOf(await secondsUntil(ended, SHOWN, () => !seen.isTalking(EXPIRING[0])));
        return { expired, said: { value: Number.NaN, text: words ?? '' }, over };
      };
      const [lostBye, away, rest] = await Promise.all([gone(LOST), gone(VANISHED), expiry()]);
      return { lostBye, vanished: away, ...rest, bounds: await boundsOf(server) };
    } finally {
      watch?.close();
      for (const one of phones) one.close();
    }
  });
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

const cellOf = (seconds: number | undefined): Cell =>
  seconds === undefined ? { value: Number.POSITIVE_INFINITY, text: 'not seen to end' } : { value: round(seconds) };

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, Math.max(0, ms)));
