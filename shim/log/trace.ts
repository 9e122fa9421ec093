import type { Flow, Target } from '../core/transport.ts';
import type { Log } from '../log.ts';

/** Characters of one message that a trace tells. */
const LONGEST = 4096;

/** Writes messages into the log, each one line. */
export interface Trace {
  received(text: string, flow: Flow): void;
  sent(text: string, target: Target): void;
}

/**
 * A trace of SIP messages at level debug; undefined, and thus free of cost, where the log does not tell that level. `callIds`: only messages
 * with one of those Call-IDs; all of them where the list is empty.
 */
export function createTrace(
  settings: { readonly logLevel: string; readonly logCallId: readonly string[] | undefined },
  log: Log,
): Trace | undefined {
  if (settings.logLevel !== 'debug') return undefined;
  const wanted = new Set(settings.logCallId ?? []);
  const tell = (way: string, text: string, transport: string, peer: string) => {
    if (wanted.size > 0 && !wanted.has(callIdOf(text))) return;
    log.debug(way, { transport, peer, bytes: text.length, sip: text.slice(0, LONGEST) });
  };
  return {
    received: (text, { transport, remote }) => tell('received', text, transport, `${remote.address}:${remote.port}`),
    sent: (text, { transport, host, port }) => tell('sent', text, transport, `${host}:${port}`),
  };
}

/** RFC 3261 20.8, with the compact form; '' where there is none. Looks at the bytes: also what cannot be understood is traced. */
function callIdOf(text: string): string {
  return /^(?:call-id|i)[ \t]*:[ \t]*(\S+)/im.exec(text)?.[1] ?? '';
}
