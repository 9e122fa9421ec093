import type { ShimSettings } from '../config.ts';
import { listenProblem } from '../embedded/worker.ts';
import type { Log } from '../log.ts';
import type { RunningShim, SipAddress, StartShim } from './running.ts';

export type ShimStart = { readonly ok: true; readonly shim: RunningShim } | { readonly ok: false; readonly text: string };

/** Starts the shim; an address that cannot be listened at comes back in words. Any other error is a bug and is thrown. */
export async function runShim(startShim: StartShim, settings: ShimSettings, log: Log): Promise<ShimStart> {
  try {
    return { ok: true, shim: await startShim(settings, log) };
  } catch (error) {
    const failure = error as NodeJS.ErrnoException & { address?: string; port?: number };
    if (failure.code === undefined || failure.address === undefined) throw error;
    return { ok: false, text: listenProblem(failure, 'SIP', failure.address, failure.port ?? settings.sipPort) };
  }
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
