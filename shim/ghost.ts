import type { ShimSettings } from './config.ts';
import { elementSettings } from './element-settings.ts';

/** By when a state of a call that is no longer true is put right, at the latest, ms; one for each way in which it can come about. */
export interface GhostBounds {
  /** A call that nobody answers rings on, though its end was lost. */
  readonly ringing: number;
  /** A call whose 2xx was seen and whose ACK never was. */
  readonly unacknowledged: number;
  /** A BYE, or its answer, was lost; a replaced call's BYE was. */
  readonly bye: number;
  /** Both phones vanished in mid-call, and a session timer was agreed on: its interval, which is no longer than this. */
  readonly sessionTimer: number;
  /** They vanished, and there was none: by asking them. Undefined where calls are not asked. */
  readonly probed: number | undefined;
  /** They vanished, and cannot be asked (a mirrored call, a row of an earlier version, phones that answer neither yes nor no). */
  readonly hardCap: number;
  /** The shim vanished, and never came back: the Worker ends its calls. */
  readonly shimDead: number;
}

/**
 * The worst case of each way in which presence can be wrong about a call, from the settings alone. Questions that wait since as many as may be
 * are under way (`maxProbes`) come on top of `probed`.
 */
export function worstGhost(settings: ShimSettings): GhostBounds {
  const { presence } = elementSettings(settings, { epoch: 1, chance: () => 0 });
  const { earlyCap, byeCap, dialogCap, probe } = presence.tracker;
  const transaction = 64 * settings.t1;
  return {
    ringing: earlyCap,
    unacknowledged: byeCap,
    bye: byeCap,
    sessionTimer: dialogCap,
    probed: probe && probe.interval + probe.tries * transaction + (probe.tries - 1) * probe.retry,
    hardCap: dialogCap,
    shimDead: dialogCap + presence.reporter.callGrace,
  };
}

/** The same, in one line, for the start. */
export function ghostLine(settings: ShimSettings): string {
  const bounds = worstGhost(settings);
  const vanished =
    bounds.probed === undefined
      ? `vanished ${inWords(bounds.hardCap)} (calls are not asked whether they live)`
      : `vanished ${inWords(bounds.probed)} by asking, ${inWords(bounds.hardCap)} where that is not possible`;
  return `A wrong call state lasts at most: ringing ${inWords(bounds.ringing)}; BYE lost ${inWords(bounds.bye)}; ${vanished}, or its session timer; shim dead ${inWords(bounds.shimDead)}`;
}

/** `4 h 1 min`, rounded up to the second. */
function inWords(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  const parts: readonly [number, string][] = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  return parts.flatMap(([n, unit]) => (n > 0 ? [`${n} ${unit}`] : [])).join(' ') || '0 s';
}
