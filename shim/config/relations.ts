import { parseIpv4, parseUri } from '../core/sip/index.ts';
import { showDuration } from './kind.ts';
import type { Problem } from './problem.ts';
import { flagName, variableName } from './setting.ts';
import type { ShimSettings } from './shim.ts';

type Numbers = { [K in keyof ShimSettings]: ShimSettings[K] extends number ? K : never }[keyof ShimSettings];

/** Pairs of which the first must not be greater than the second, and why. */
const ORDERED: readonly (readonly [Numbers, Numbers, string])[] = [
  ['minExpires', 'defaultExpires', 'or a telephone that names no time would be refused'],
  ['defaultExpires', 'maxExpires', 'or a telephone that names no time would get more than one that asks'],
  ['t1', 't2', 'as retransmissions begin at T1 and grow to T2 (RFC 3261 17.1.2.2)'],
  ['backoffMin', 'backoffMax', 'as pauses begin at the one and grow to the other'],
  ['bindingsPerUser', 'maxBindings', 'or one user could never have as many'],
  ['banTime', 'banMax', 'as bans begin at the one and grow to the other'],
  ['timerC', 'dialogCap', 'or a call could count as over while it may still ring'],
  ['sessionExpires', 'dialogCap', 'or a call could count as over before its session timer is refreshed'],
  ['probeInterval', 'dialogCap', 'or a call could count as over before it is asked whether it lives'],
];

const DURATIONS: ReadonlySet<Numbers> = new Set([
  'minExpires',
  'defaultExpires',
  'maxExpires',
  't1',
  't2',
  'backoffMin',
  'backoffMax',
  'timerC',
  'dialogCap',
  'banTime',
  'banMax',
  'sessionExpires',
  'minSe',
  'probeInterval',
]);

/**
 * What does not go together. `values` lacks what could not be read; a pair is checked where both are there. `nameOf` is the name under
 * which a setting was given.
 */
export function relationProblems(
  values: { readonly [name: string]: unknown },
  nameOf: (key: string) => string = (key) => `--${flagName(key)}`,
): Problem[] {
  const problems: Problem[] = [];
  for (const [low, high, why] of ORDERED) {
    const [least, most] = [values[low], values[high]];
    if (typeof least !== 'number' || typeof most !== 'number' || least <= most) continue;
    const show = DURATIONS.has(low) ? showDuration : String;
    problems.push({
      setting: `${nameOf(low)}, ${nameOf(high)}`,
      text: `${show(least)} must not be greater than ${show(most)}, ${why}`,
    });
  }
  return [
    ...problems,
    ...certificateProblems(values),
    ...placingProblems(values),
    ...timerProblems(values),
    ...mirrorProblems(values),
  ];
}

/** A certificate is nothing without its key, nor a secure listener without a certificate. */
function certificateProblems(values: { readonly [name: string]: unknown }): Problem[] {
  const given = (key: keyof ShimSettings) => values[key] !== undefined;
  const problems: Problem[] = [];
  const both = `--${flagName('tlsCertificate')}, --${flagName('tlsKey')}`;
  if (given('tlsCertificate') !== given('tlsKey')) problems.push({ setting: both, text: 'must be given together' });
  if (given('wssPort') && !given('tlsCertificate') && !given('tlsCertificates'))
    problems.push({ setting: `--${flagName('wssPort')}`, text: `needs a certificate: ${both}` });
  return problems;
}

/** Who may mirror is never anybody: what is mirrored is believed. */
function mirrorProblems(values: { readonly [name: string]: unknown }): Problem[] {
  const { hepListen, hepKey, hepAllow, mode } = values as Partial<ShimSettings>;
  const problems: Problem[] = [];
  if (hepListen !== undefined && hepKey === undefined && hepAllow === undefined)
    problems.push({ setting: `--hep-allow, ${variableName('hepKey')}`, text: 'one of them must be given with --hep-listen' });
  if (mode === 'passive' && hepListen === undefined)
    problems.push({ setting: '--mode, --hep-listen', text: 'passive goes by what comes to --hep-listen' });
  return problems;
}

/** Where the shim stands, and what its domains are called. */
function placingProblems(values: Parameters<typeof relationProblems>[0]): Problem[] {
  const { mode, auth, upstream, trustedPeers, domains, aliases, numbers } = values as Partial<ShimSettings>;
  const problems: Problem[] = [];
  if (mode === 'edge' && upstream === undefined)
    problems.push({ setting: '--mode, --upstream', text: 'the edge of a PBX needs its address: --upstream' });
  if (mode === 'edge' && auth === 'digest')
    problems.push({ setting: '--mode, --auth', text: 'at the edge of a PBX it is the PBX that asks for passwords' });
  const host = upstream === undefined ? undefined : parseUri(upstream)?.host;
  const literal = host !== undefined && (parseIpv4(host) !== undefined || host.startsWith('['));
  if (mode === 'edge' && host !== undefined && !literal && trustedPeers?.length === 0)
    problems.push({
      setting: '--upstream, --trusted-peers',
      text: `the addresses of ${host} must be among the trusted peers, or its calls could not be told from those of others`,
    });
  const served = new Set(domains ?? []);
  if (domains === undefined) return problems;
  for (const { left, right } of aliases ?? []) {
    if (!served.has(right)) problems.push({ setting: '--aliases', text: `${right} must be one of the domains` });
    if (served.has(left)) problems.push({ setting: '--aliases', text: `${left} is itself one of the domains` });
  }
  const unserved = new Set((numbers ?? []).map((rule) => rule.domain).filter((domain) => !served.has(domain)));
  for (const domain of unserved) problems.push({ setting: '--numbers', text: `${domain} must be one of the domains` });
  return problems;
}

/** RFC 4028 8.1: what is asked for must not be refused. */
function timerProblems({ sessionExpires, minSe }: Parameters<typeof relationProblems>[0]): Problem[] {
  if (typeof sessionExpires !== 'number' || typeof minSe !== 'number' || sessionExpires === 0 || minSe <= sessionExpires)
    return [];
  const text = `${showDuration(minSe)} must not be greater than ${showDuration(sessionExpires)}, or what is asked for would be refused (RFC 4028 8.1)`;
  return [{ setting: '--min-se, --session-expires', text }];
}
