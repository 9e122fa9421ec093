import { domainOf } from '#protocol';
import type { ShimSettings } from './config.ts';
import { AddressSet } from './core/address-set.ts';
import type { Element } from './core/element/element.ts';
import { Mirror, type MirrorSettings } from './core/mirror/mirror.ts';
import { Naming } from './core/placing/naming.ts';
import { systemClock } from './io/clock.ts';
import { type HepListener, listenHep } from './io/hep.ts';
import { MirrorShell } from './io/mirror.ts';
import type { Shell } from './io/shell.ts';
import type { Log } from './log.ts';

const SECOND = 1000;
/** A message may come late, or a second time, for as long as its transaction lives, and then some. */
const MEMORY = 40 * SECOND;
/** Messages held to be put in order. */
const MAX_HELD = 10_000;
/** A trouble with the packets of a sender is logged once in so long, ms: they come by thousands. */
const LOG_PAUSE = 60 * SECOND;

/** The passive source, running. */
export interface Passive {
  readonly hep: HepListener;
  readonly mirror: Mirror;
  close(): Promise<void>;
}

/** The mirror's settings from those of the shim. */
export function mirrorSettings(settings: ShimSettings): MirrorSettings {
  return {
    messages: { headerBytes: settings.headerBytes, headerCount: settings.headerCount, bodyBytes: settings.bodyBytes },
    registrar: {
      defaultExpires: settings.defaultExpires / SECOND,
      maxExpires: settings.longestGrant / SECOND,
      maxContacts: settings.bindingsPerUser,
    },
    cap: settings.mirrorCap,
    reorder: settings.mirrorReorder,
    maxHeld: MAX_HELD,
    maxRemembered: settings.mirrorMemory,
    memory: MEMORY,
  };
}

/** Takes what SIP servers mirror, where that is set; undefined where it is not. `element` has taken up what was on disk. */
export async function startPassive(
  settings: ShimSettings,
  parts: { readonly element: Element; readonly shell: Shell; readonly unique: () => string },
  log: Log,
): Promise<Passive | undefined> {
  if (settings.hepListen === undefined) return undefined;
  const { location, presence } = parts.element;
  const domains = new Set(settings.domains);
  const aliases = new Map(settings.aliases.map(({ left, right }) => [left, right]));
  const naming = new Naming({ aliases, numbers: settings.numbers }, domains);
  const userOf = (uri: string) => {
    const aor = naming.aorOf(uri);
    return aor !== undefined && domains.has(domainOf(aor)) ? aor : undefined;
  };
  const mirror = new Mirror(mirrorSettings(settings), { location, presence, userOf, unique: parts.unique });
  const shell = new MirrorShell({ mirror, run: (actions) => parts.shell.run(actions), clock: systemClock, log });
  const told = new Map<string, number>();
  const hep = await listenHep({
    listen: settings.hepListen,
    key: settings.hepKey,
    allow: settings.hepAllow === undefined ? undefined : AddressSet.of(settings.hepAllow),
    limits: { payload: settings.headerBytes + settings.bodyBytes },
    onMessage: (observed) => shell.observe(observed),
    onTrouble: (what, detail) => {
      const now = systemClock.now();
      if (now - (told.get(what) ?? Number.NEGATIVE_INFINITY) < LOG_PAUSE) return;
      told.set(what, now);
      log.warn(what, { detail });
    },
  });
  return {
    hep,
    mirror,
    close: async () => {
      await hep.close();
      shell.close();
    },
  };
}
