import { canonicalAor, LIMITS } from '#protocol';
import type { Parties } from '../dialog/tracker.ts';
import type { Placing } from '../placing/placing.ts';
import type { Location } from '../registrar/location.ts';
import { senderOf } from '../registrar/sender.ts';
import { identityOf } from '../report/identity.ts';
import { from, type Message, type NameAddr, own, to } from '../sip/index.ts';
import type { Flow } from '../transport.ts';

/**
 * The parties of an INVITE whom this element may speak for. The caller is who stands in From, where the INVITE came from that user's own
 * phone (`senderOf`). The callee is the address of record that was looked up here.
 */
export function partiesOf(
  m: Message,
  way: { readonly flow: Flow; readonly callee: string | undefined },
  parts: { readonly location: Location; readonly placing: Placing; readonly unique: () => string },
  now: number,
): Parties {
  const { flow, callee } = way;
  const { location, placing, unique } = parts;
  const [caller, called] = [from(m), to(m)];
  // At the edge of a PBX what goes to a telephone comes from the PBX. Whoever stands in From has called by another leg, or from elsewhere.
  const fromPbx = placing.edge && callee !== undefined;
  const user = fromPbx ? undefined : senderOf(m, flow, (aor) => location.lookup(aor, now), placing.naming);
  return {
    ...(user !== undefined && called ? { caller: { user: own(user), id: unique(), peer: peerOf(called, placing) } } : {}),
    ...(callee !== undefined && caller ? { callee: { user: own(callee), id: unique(), peer: peerOf(caller, placing) } } : {}),
  };
}

/** The other side as presence tells it: the address of record where it is one, and the display name. */
function peerOf(address: NameAddr, { naming }: Placing): { uri: string; name?: string } {
  const uri = naming.aorOf(address.uri) ?? canonicalAor(address.uri) ?? identityOf(address.uri);
  const name = address.display.slice(0, LIMITS.fieldLength);
  return name === '' ? { uri: own(uri) } : { uri: own(uri), name };
}
