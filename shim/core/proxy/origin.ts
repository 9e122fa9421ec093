import { contacts, type Message, parseUri, recordRoutes, to, vias } from '../sip/index.ts';
import type { Flow } from '../transport.ts';
import type { Routing } from './route.ts';
import { isReachable, targetOf } from './target.ts';

/** Requests that begin a dialog (RFC 3261 12.1, RFC 6665 4.1, RFC 3515): later ones of the dialog must come through here too. */
const DIALOG_FORMING = new Set(['INVITE', 'SUBSCRIBE', 'REFER']);

/** Does that request begin a dialog. */
export const formsDialog = (m: Message): boolean => DIALOG_FORMING.has(m.method) && to(m)?.tag === undefined;

/**
 * RFC 5626 5.3: the flow token for the Record-Route on the side that a request came from, where the requests of its dialog can reach its sender
 * by the flow that it came over alone: a browser (RFC 7118 5), a telephone behind NAT, or one that asks for it ("ob" in its Contact, 4.3).
 * Undefined where there is no need, or something stands between: then the way goes by that. Peers and next hops are reached by their Contact.
 */
export function originToken(m: Message, flow: Flow, { flowTokens, placing }: Routing): string | undefined {
  if (flowTokens === undefined || !formsDialog(m) || placing.isTrusted(flow)) return undefined;
  // "An edge proxy [...] can determine if it is the first hop by examining the Via header field."
  if ((vias(m)?.length ?? 0) !== 1 || (recordRoutes(m)?.length ?? 0) > 0) return undefined;
  const listed = contacts(m);
  const uri = listed.ok ? parseUri(listed.contacts[0]?.uri ?? '') : undefined;
  if (uri === undefined) return undefined;
  const target = targetOf(uri);
  const direct = target !== undefined && !uri.params.has('ob') && isReachable(target, flow);
  return direct ? undefined : flowTokens.of(flow);
}
