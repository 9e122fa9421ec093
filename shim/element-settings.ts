import type { ShimSettings } from './config.ts';
import { AddressSet } from './core/address-set.ts';
import type { AuthorizationSettings } from './core/auth/authorization.ts';
import type { ElementSettings } from './core/element/element.ts';
import type { GuardSettings } from './core/guard/guard.ts';
import { targetOf } from './core/proxy/target.ts';
import { parseUri } from './core/sip/index.ts';
import { DEFAULT_TRANSACTION_SETTINGS } from './core/transaction/types.ts';

const SECOND = 1000;

/** What no site needs to set, and what follows from what is set. */
const BEYOND_TIMER_C = 20 * SECOND;
const BYE_SLACK = 8 * SECOND;
const CALL_GRACE = 60 * SECOND;
const KNOWN_USERS = 100_000;

const probeSettings = ({ probeInterval, probeTries, probeRetry, maxProbes }: ShimSettings) => ({
  interval: probeInterval,
  tries: probeTries,
  retry: probeRetry,
  underWay: maxProbes,
});

/** The element's settings from those of the shim. `epoch` and `chance` are this start's. */
export function elementSettings(
  settings: ShimSettings,
  start: { readonly epoch: number; readonly chance: () => number; readonly compares?: boolean },
): ElementSettings {
  const { t1, t2, t4, timerC } = settings;
  const upstream = settings.upstream === undefined ? undefined : parseUri(settings.upstream);
  return {
    messages: { headerBytes: settings.headerBytes, headerCount: settings.headerCount, bodyBytes: settings.bodyBytes },
    transactions: {
      ...DEFAULT_TRANSACTION_SETTINGS,
      t1,
      t2,
      t4,
      timerC,
      timerD: Math.max(32 * SECOND, 64 * t1),
      max: settings.maxTransactions,
    },
    registrar: {
      minExpires: settings.minExpires / SECOND,
      defaultExpires: settings.defaultExpires / SECOND,
      maxExpires: settings.maxExpires / SECOND,
      maxContacts: settings.bindingsPerUser,
      // A softphone that comes back under a new contact each time it dies must not lock its user out.
      onLimit: 'displace',
    },
    location: { bindings: settings.maxBindings },
    ...(settings.guard === 'on' ? { guard: guardSettings(settings) } : {}),
    ...(settings.auth === 'digest' ? { authorization: authorizationSettings(settings) } : {}),
    presence: {
      tracker: {
        talking: settings.talking,
        terminating: settings.terminating,
        // Where all calls are mirrored ones, their cap is that of all.
        dialogCap: settings.mode === 'passive' ? Math.min(settings.dialogCap, settings.mirrorCap) : settings.dialogCap,
        // A little more than the transaction layer takes: it is the one that ends such calls, this is for when its word is lost.
        earlyCap: timerC + 64 * t1 + BEYOND_TIMER_C,
        byeCap: 64 * t1 + BYE_SLACK,
        maxDialogs: settings.maxDialogs,
        ...(settings.sessionRules ? { sessionRules: settings.sessionRules } : {}),
        ...(settings.probeInterval > 0 && settings.mode !== 'passive' ? { probe: probeSettings(settings) } : {}),
      },
      reporter: { expiry: settings.expiry, callGrace: CALL_GRACE },
      outbox: {
        site: settings.site,
        epoch: start.epoch,
        chance: start.chance,
        compares: start.compares ?? false,
        max: settings.outboxUpdates,
        backoffMin: settings.backoffMin,
        backoffMax: settings.backoffMax,
      },
    },
    sessionTimer:
      settings.sessionExpires > 0
        ? { expires: settings.sessionExpires / SECOND, minSe: Math.ceil(settings.minSe / SECOND) }
        : undefined,
    upstream: upstream && targetOf(upstream),
    placing: placingSettings(settings),
    maxBranches: settings.maxBranches,
    udpBytes: settings.udpBytes,
    serverTries: settings.serverTries,
    serverAvoid: settings.serverAvoid,
    maxBreadth: settings.maxBreadth,
    recurse: settings.recurse === 'on',
    knownUsers: KNOWN_USERS,
  };
}

function placingSettings(settings: ShimSettings): ElementSettings['placing'] {
  const { mode, contactRewrite, longestGrant, aliases, numbers, routes, trustedPeers } = settings;
  return {
    mode,
    mirrored: settings.hepListen !== undefined,
    contactRewrite: contactRewrite === 'on',
    longestGrant: longestGrant / SECOND,
    aliases: new Map(aliases.map(({ left, right }) => [left, right])),
    numbers,
    routes: new Map(
      routes.flatMap(({ left, right }) => {
        const uri = parseUri(right);
        const target = uri && targetOf(uri);
        return target ? [[left, target] as const] : [];
      }),
    ),
    trustedPeers,
  };
}

function authorizationSettings(settings: ShimSettings): AuthorizationSettings {
  const { realm, nonceLifetime, maxNonces, inbound } = settings;
  return {
    nonceLifetime,
    maxNonces,
    realm,
    defaultRealm: realm ?? settings.domains[0] ?? 'localhost',
    inbound,
  };
}

function guardSettings(settings: ShimSettings): GuardSettings {
  const { allow, banAfter, banWindow, banTime, banMax } = settings;
  return {
    exempt: AddressSet.of(allow),
    messages: { rate: settings.sourceRate, burst: settings.sourceBurst },
    registers: { rate: settings.registerRate, burst: settings.registerBurst },
    ...{ banAfter, banWindow, banTime, banMax },
    scanners: settings.scanners.map((name) => name.toLowerCase()),
    sourceCalls: settings.sourceCalls,
    sourceBindings: settings.sourceBindings,
    sourceConnections: settings.sourceConnections,
    maxSources: settings.maxSources,
    maxFlows: 2 * settings.maxBindings,
    // At the edge of a PBX it is the PBX that asks for the passwords.
    registrationsProven: settings.auth === 'digest' || settings.mode === 'edge',
  };
}
