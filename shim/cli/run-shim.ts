import type { ShimSettings } from '../config.ts';
import type { Log } from '../log.ts';
import type { RunningShim, SipAddress, StartShim } from './running.ts';

export type ShimStart = { readonly ok: true; readonly shim: RunningShim } | { readonly ok: false; readonly text: string };

/** Starts the shim; why it could not be (a port in use, a folder that cannot be written) comes back in words. */
export async function runShim(startShim: StartShim, settings: ShimSettings, log: Log): Promise<ShimStart> {
  try {
    return { ok: true, shim: await startShim(settings, log) };
  } catch (error) {
    const { message, stack } = error as Error;
    log.debug('the shim did not start', { stack });
    return { ok: false, text: message };
  }
}

/** `SIP 127.0.0.1:5060 (UDP, TCP); HEP 127.0.0.1:9060 (UDP, TCP)`: all that it listens at. */
export function listeners({ addresses, hep }: Pick<RunningShim, 'addresses' | 'hep'>): string {
  const sip = sipAddresses(addresses);
  const mirrored = hep
    ? sipAddresses([
        { ...hep, transport: 'udp' },
        { ...hep, transport: 'tcp' },
      ])
    : [];
  return [...(sip.length > 0 ? [`SIP ${sip.join(', ')}`] : []), ...mirrored.map((where) => `HEP ${where}`)].join('; ');
}

/** `127.0.0.1:5060 (UDP, TCP)`, one line an address and port. */
export function sipAddresses(addresses: readonly SipAddress[]): string[] {
  const transports = new Map<string, string[]>();
  for (const { transport, address, port } of addresses) {
    const where = `${address.includes(':') ? `[${address}]` : address}:${port}`;
    transports.set(where, [...(transports.get(where) ?? []), transport.toUpperCase()]);
  }
  return [...transports].map(([where, names]) => `${where} (${names.join(', ')})`);
}
