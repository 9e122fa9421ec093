import { sessionExpires } from '../dialog/session-timer.ts';
import { deltaSeconds, header, type Message, scan, supported, withField } from '../sip/index.ts';
import type { Refusal } from './refusal.ts';

/** What the proxy asks of session timers (RFC 4028 8), in seconds. */
export interface SessionTimerPolicy {
  /** Longest interval; asked for where the caller asks for none. */
  readonly expires: number;
  /** Shortest interval that is accepted; 90 or more (RFC 4028 5). */
  readonly minSe: number;
}

const UNLIMITED = {
  headerBytes: Number.MAX_SAFE_INTEGER,
  headerCount: Number.MAX_SAFE_INTEGER,
  bodyBytes: Number.MAX_SAFE_INTEGER,
};

/**
 * RFC 4028 8.1: the INVITE or UPDATE as it shall be sent on (the same where nothing is to be changed), or the 422 to refuse it with. Header fields
 * are spliced in; Supported is left alone, "The proxy MUST NOT" speak for the caller there.
 */
export function timed(m: Message, { expires, minSe }: SessionTimerPolicy): Message | Refusal {
  if (m.method !== 'INVITE' && m.method !== 'UPDATE') return m;
  const asked = sessionExpires(m);
  const floor = deltaSeconds(header(m, 'min-se')) ?? 0;
  if (asked === undefined) {
    // "If there is no Session-Expires header field in the request, the proxy MAY insert one [...] at least as large as Min-SE".
    return changed(m, [['Session-Expires', String(Math.max(expires, floor))]]);
  }
  if (asked < minSe) {
    // "if the request contains a Supported header field with 'timer', the proxy MUST reject it with a 422 [...] MUST contain a Min-SE".
    if (supported(m).includes('timer')) {
      return { status: 422, reason: 'Session Interval Too Small', headers: [['Min-SE', String(minSe)]] };
    }
    // Without: "the proxy MUST increase the value of the Session-Expires to its own minimum, and set Min-SE to it".
    const raised: [string, string][] = [['Session-Expires', raise(m, minSe)]];
    return changed(m, floor < minSe ? [...raised, ['Min-SE', String(minSe)]] : raised);
  }
  // "The proxy MAY reduce the value, but MUST NOT set it below Min-SE".
  const wanted = Math.max(expires, floor, minSe);
  return asked > wanted ? changed(m, [['Session-Expires', raise(m, wanted)]]) : m;
}

/** The field's value with another interval, and the refresher that it names. */
function raise(m: Message, seconds: number): string {
  return (header(m, 'session-expires') ?? '').replace(/^\s*\d+/, String(seconds));
}

/**
 * RFC 4028 8.2: "if the UAS does not support the session timer, [...] a proxy that inserted a Session-Expires [...] MAY insert a Session-Expires
 * into the response": where the caller supports timers, with him as the refresher, and `Require: timer` so that he knows.
 * `asked` is the request as it was sent on.
 */
export function timedAnswer(m: Message, asked: Message): Message {
  if (m.status < 200 || m.status >= 300 || (m.method !== 'INVITE' && m.method !== 'UPDATE')) return m;
  const seconds = sessionExpires(asked);
  if (seconds === undefined || sessionExpires(m) !== undefined || !supported(asked).includes('timer')) return m;
  return changed(m, [
    ['Session-Expires', `${seconds};refresher=uac`],
    ['Require', 'timer'],
  ]);
}

function changed(m: Message, fields: readonly (readonly [string, string])[]): Message {
  let message = m;
  for (const [name, value] of fields) {
    const text = name === 'Require' ? withField(message, name, value, 'add') : withField(message, name, value);
    const scanned = scan(text, UNLIMITED, 'datagram');
    if (!scanned.ok) return m;
    message = scanned.message;
  }
  return message;
}
