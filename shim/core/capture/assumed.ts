import type { Observed } from '../mirror/reorder.ts';
import type { Binding } from '../registrar/binding.ts';
import { contacts, from, type Message, type MessageLimits, scan, to } from '../sip/index.ts';

/** A capture is short: who is taken for registered stays so to its end. ms. */
const FOR_GOOD = 366 * 86_400_000;

/**
 * Bindings of those who call, or answer, in a capture without having registered in it: a capture that somebody made of one call seldom
 * holds the registrations. The caller's phone is where the first INVITE in that name comes from, the callee's where the first answer in
 * that name comes from that is not from a server: one that INVITEs both come to and go out from.
 */
export function assumed(
  messages: readonly Observed[],
  userOf: (uri: string) => string | undefined,
  limits: MessageLimits,
): Binding[] {
  const registering = new Set<string>();
  const [sources, destinations] = [new Set<string>(), new Set<string>()];
  const invites: [Message, Observed][] = [];
  const answers: [Message, Observed][] = [];
  for (const observed of messages) {
    const scanned = scan(observed.text, limits, 'datagram');
    if (!scanned.ok) continue;
    const m = scanned.message;
    const called = to(m);
    if (m.method === 'REGISTER') registering.add(userOf(called?.uri ?? '') ?? '');
    if (m.method !== 'INVITE') continue;
    if (m.status > 100 && m.status < 300) answers.push([m, observed]);
    if (m.status !== 0 || called?.tag !== undefined) continue;
    invites.push([m, observed]);
    sources.add(placeOf(observed.source));
    destinations.add(placeOf(observed.destination));
  }
  const isServer = (place: string) => sources.has(place) && destinations.has(place);
  const bindings = new Map<string, Binding>();
  const add = (uri: string | undefined, m: Message, { source, destination, transport, at }: Observed) => {
    const aor = userOf(uri ?? '');
    if (aor === undefined || registering.has(aor) || bindings.has(aor)) return;
    const found = contacts(m);
    const contact = (found.ok ? found.contacts[0]?.uri : undefined) ?? aor;
    const common = { callId: '', cseq: 0, q: 1, since: at, userAgent: '', params: '' };
    bindings.set(aor, {
      ...common,
      aor,
      contact,
      expiresAt: at + FOR_GOOD,
      flow: { transport, remote: source, local: destination },
    });
  };
  for (const [m, observed] of invites) if (!isServer(placeOf(observed.source))) add(from(m)?.uri, m, observed);
  for (const [m, observed] of answers) if (!isServer(placeOf(observed.source))) add(to(m)?.uri, m, observed);
  return [...bindings.values()];
}

const placeOf = ({ address, port }: Observed['source']): string => `${address} ${port}`;
