import type { LeanCall } from '../../support/lean-call.ts';
import { LeanPhones } from '../../support/lean-phones.ts';
import { soon, until } from '../../support/until.ts';
import type { Server, Watch } from './server.ts';

const DOMAIN = '127.0.0.1';
/** Nothing that a telephone waits for takes longer, ms. */
const PATIENCE = 10_000;
/** How long it rings, ms. */
const RINGING = 100;

/** Telephones in this process that answer every call. */
export async function fewPhones(server: Server): Promise<LeanPhones> {
  const phones = await LeanPhones.open({ shim: server.sip, domain: DOMAIN });
  phones.onCall = (call) => {
    setTimeout(() => call.ring(), RINGING / 2);
    setTimeout(() => void call.answer(), RINGING);
  };
  return phones;
}

export async function registered(phones: LeanPhones, user: string, expires = 3600): Promise<void> {
  const status = await soon(`${user} registers`, phones.register(user, expires), PATIENCE);
  if (status !== 200) throw new Error(`${user} was answered ${status} to its REGISTER`);
}

/** A call that is up. */
export async function callUp(phones: LeanPhones, from: string, to: string): Promise<LeanCall> {
  const call = phones.call(from, to);
  const status = await soon(`${to} answers ${from}`, call.answered, PATIENCE);
  if (status !== 200) throw new Error(`${from} was answered ${status} by ${to}`);
  return call;
}

/** Users who are not shown as registered and, as they should be, talking or in no call. */
export function wrongAt({ seen }: Watch, talking: readonly string[], idle: readonly string[]): string[] {
  const busy = new Set(seen.busy().map((text) => text.split(' ')[0]));
  return [
    ...talking.filter((user) => !seen.isTalking(user) || !seen.isRegistered(user)),
    ...idle.filter((user) => busy.has(user) || !seen.isRegistered(user)),
  ];
}

/** Seconds from `began` (as `performance.now`) until it is so; undefined where it is not within so many s. */
export async function secondsUntil(
  began: number,
  within: number,
  is: () => boolean | Promise<boolean>,
): Promise<number | undefined> {
  try {
    await until('it is so', is, Math.max(0, within * 1000 - (performance.now() - began)));
  } catch {
    return undefined;
  }
  return (performance.now() - began) / 1000;
}
