import { deltaSeconds, header, type Message, valueWithParams } from '../sip/index.ts';
import type { Dialog } from './call.ts';

/** Session-Expires in seconds (RFC 4028 4); undefined where there is none, or none that can be read. */
export function sessionExpires(m: Message): number | undefined {
  return deltaSeconds(valueWithParams(header(m, 'session-expires'))?.value);
}

/**
 * RFC 4028 10: the session is over at the expiry, counted from the last 2xx to a session refresh (INVITE or UPDATE). RFC 4028 7.2, 9: a 2xx
 * without Session-Expires says that there is no timer, or none any more. No slack is added: who does not refresh sends the BYE "slightly before
 * the session expiration", by a third of the interval or 32 s, so that at the expiry itself all is over.
 */
export function observeTimer(dialog: Dialog, m: Message, now: number): void {
  if (m.status < 200 || m.status >= 300 || (m.method !== 'INVITE' && m.method !== 'UPDATE')) return;
  const seconds = sessionExpires(m);
  if (seconds === undefined || seconds === 0) {
    // To delete costs time also where there is nothing.
    if (dialog.expiresAt !== undefined) delete dialog.expiresAt;
  } else dialog.expiresAt = now + seconds * 1000;
}
