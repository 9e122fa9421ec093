import { type Message, parseUri } from '../sip/index.ts';
import type { Target } from '../transport.ts';
import type { Routing } from './route.ts';
import { targetOf } from './target.ts';

/**
 * May a request of a followed dialog, whose sender is no user or peer, go on to that Route value. RFC 3261 12.2.1.1: its way is the dialog's
 * route set, with the remote target behind it, as they were seen when the dialog was set up; or it leads to where all others may go too. A
 * party of a call could else send whatever he likes to wherever he likes.
 */
export function isOnWay(m: Message, hop: string, { waysOf, placing }: Routing): boolean {
  const target = targetIn(hop);
  if (target === undefined) return false;
  if (placing.isNextHop(target) || placing.isTrusted({ remote: { address: target.host, port: target.port } })) return true;
  return waysOf(m).some((uri) => isSame(targetIn(uri), target));
}

function targetIn(text: string): Target | undefined {
  const uri = parseUri(text);
  return uri && targetOf(uri);
}

const isSame = (a: Target | undefined, b: Target): boolean =>
  a !== undefined && a.transport === b.transport && a.host.toLowerCase() === b.host.toLowerCase() && a.port === b.port;
