import { LIMITS, type TerminalReport, type TerminalType } from '#protocol';
import type { Binding } from '../registrar/binding.ts';
import { utf8 } from '../sip/index.ts';

/** Marks in the User-Agent header, in lower case, that tell a terminal's type; the first that is found counts. */
const MARKS: readonly [string, TerminalType][] = [
  ['sip.js', 'browser'],
  ['jssip', 'browser'],
  ['mozilla', 'browser'],
  ['android', 'mobile'],
  ['iphone', 'mobile'],
  ['ios', 'mobile'],
  ['mobile', 'mobile'],
  ['asterisk', 'gateway'],
  ['freeswitch', 'gateway'],
  ['gateway', 'gateway'],
  ['audiocodes', 'gateway'],
  ['linphone', 'softphone'],
  ['baresip', 'softphone'],
  ['microsip', 'softphone'],
  ['zoiper', 'softphone'],
  ['x-lite', 'softphone'],
  ['bria', 'softphone'],
  ['jitsi', 'softphone'],
  ['softphone', 'softphone'],
  ['snom', 'phone'],
  ['yealink', 'phone'],
  ['grandstream', 'phone'],
  ['polycom', 'phone'],
  ['cisco', 'phone'],
  ['fanvil', 'phone'],
  ['gigaset', 'phone'],
  ['mitel', 'phone'],
  ['aastra', 'phone'],
  ['panasonic', 'phone'],
  ['phone', 'phone'],
];

/** FIG. 12: the type of a terminal, told from its User-Agent. */
export function terminalType(userAgent: string): TerminalType {
  const text = userAgent.toLowerCase();
  return MARKS.find(([mark]) => text.includes(mark))?.[1] ?? 'unknown';
}

/** A binding as the Worker is told of it. `expiry` says who ends it: in `shim` this process alone does, so no time is given. */
export function terminalReport(binding: Binding, expiry: 'shim' | 'server'): TerminalReport {
  const { address, port } = binding.flow.remote;
  const userAgent = utf8(binding.userAgent).slice(0, LIMITS.fieldLength);
  return {
    contact: utf8(binding.contact),
    address: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    type: terminalType(userAgent),
    ...(userAgent === '' ? {} : { userAgent }),
    since: binding.since,
    expires: expiry === 'server' ? binding.expiresAt : null,
  };
}
