import type { PresenceDocument } from '#protocol';
import { type Product, startProduct } from '../support/product.ts';
import { Reader } from '../support/reader.ts';
import { Watcher } from '../support/watcher.ts';
import { runSipp, type SippOptions, type SippResult, startSipp } from './sipp.ts';

export const DOMAIN = 'example.com';
export const aorOf = (user: string) => `sip:${user}@${DOMAIN}`;

/** Without a target it is the product's own address. */
type Options = Partial<SippOptions>;

/** The product, a watcher of the whole domain, a reader, and SIPp against them. */
export interface Scene {
  readonly product: Product;
  readonly watcher: Watcher;
  readonly reader: Reader;
  /** Runs one scenario to its end; throws with SIPp's own words where a call did not go as the scenario says. */
  sipp(scenario: string, options?: Options): Promise<SippResult>;
  /** Runs a caller's scenario against a callee's, which listens at `port`; throws as `sipp` does. */
  call(caller: string, callee: string, port: number, options: Options): Promise<void>;
  /** Registers users, all at one port. */
  register(users: readonly string[], port: number, options?: Options): Promise<void>;
  /** The call statuses that the watcher saw of a user since the mark, one for each change from what it was before. */
  callStatuses(user: string): PresenceDocument['callStatus'][];
  /** The first document with that status which the watcher got of a user since the mark. */
  changeTo(user: string, status: string): PresenceDocument | undefined;
  /** Forgets what the watcher saw up to now. */
  mark(): void;
  /** How many of the watcher's changes came before the mark. */
  readonly marked: number;
  /** Resolves when the watcher has seen each of the users in a call since the mark, and out of it again. */
  settled(users: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export async function openScene(...flags: string[]): Promise<Scene> {
  return sceneOf(await startProduct([`--domains=${DOMAIN}`, '--site=interop', ...flags]));
}

/** A scene on a product that runs; its end is the product's too. */
export async function sceneOf(product: Product): Promise<Scene> {
  const token = await product.token('read');
  const watcher = await Watcher.connect(product.url, token, `domain=${DOMAIN}`);
  let from = 0;
  let before = new Map<string, PresenceDocument['callStatus']>();

  const good = (scenario: string, result: SippResult) => {
    if (result.code !== 0) throw new Error(`SIPp ${scenario}: ${JSON.stringify({ ...result, errors: '' })}\n${result.errors}`);
    return result;
  };
  const sipp = async (scenario: string, options: Options = {}) =>
    good(scenario, await runSipp(scenario, { target: product.sip, ...options }));
  const callStatuses = (user: string) => {
    const statuses: PresenceDocument['callStatus'][] = [];
    let last = before.get(aorOf(user)) ?? 'idle';
    for (const { presence } of watcher.changes.slice(from)) {
      if (presence.user !== aorOf(user) || presence.callStatus === last) continue;
      last = presence.callStatus;
      statuses.push(last);
    }
    return statuses;
  };
  return {
    product,
    watcher,
    reader: new Reader(product.url, token),
    sipp,
    callStatuses,
    async call(caller, callee, port, options) {
      const { fields, calls = fields?.length ?? 1, ...rest } = options;
      const uas = await startSipp(callee, { target: product.sip, ...rest, calls, port });
      await uas.listening;
      const uac = await startSipp(caller, { target: product.sip, ...options });
      // Where one side has failed the other waits for nothing.
      for (const [side, other] of [
        [uas, uac],
        [uac, uas],
      ] as const) {
        void side.ended.then(({ code }) => code !== 0 && other.process.kill('SIGKILL'));
      }
      const [there, here] = await Promise.all([uas.ended, uac.ended]);
      // The one that was ended because of the other has nothing to say.
      if (here.code !== null) good(caller, here);
      if (there.code !== null) good(callee, there);
    },
    async register(users, port, options = {}) {
      await sipp('register', { rate: 200, ...options, fields: users.map((user) => [user, port, 3600]) });
      await watcher.until(`${users} on-line`, () =>
        users.every((user) => watcher.latest(aorOf(user))?.terminalStatus === 'online'),
      );
    },
    changeTo(user, status) {
      const changes = watcher.changes.slice(from).map(({ presence }) => presence);
      return changes.find((presence) => presence.user === aorOf(user) && presence.status === status);
    },
    get marked() {
      return from;
    },
    mark() {
      from = watcher.changes.length;
      before = new Map(watcher.changes.map(({ presence }) => [presence.user, presence.callStatus]));
    },
    settled(users) {
      return watcher.until(`each of ${users} idle after a call`, () =>
        users.every((user) => callStatuses(user).at(-1) === 'idle'),
      );
    },
    async close() {
      watcher.close();
      await product.close();
    },
  };
}
