import { contacts, cseq, type Message, own, recordRoutes } from '../sip/index.ts';
import { type Call, type Dialog, otherSide, type Side } from './call.ts';

/**
 * Longest URI (Contact, From, To) and Record-Route that is kept of a dialog, characters: with longer ones it is not asked whether it lives, and
 * strangers in it get to no hop beyond.
 */
export const TARGET_LENGTH = 512;
const ROUTE_LENGTH = 1024;

const contactOf = (m: Message): string => {
  const listed = contacts(m);
  const uri = (listed.ok && listed.contacts[0]?.uri) || '';
  return uri.length <= TARGET_LENGTH ? uri : '';
};

/** RFC 3261 12.1: the route set of a dialog, from the response that set it up: of an early one from what is acknowledged by PRACK (RFC 3262). */
export function learnRoute(dialog: Dialog, m: Message): void {
  const route = (recordRoutes(m) ?? []).map(({ uri }) => uri).join(' ');
  if (route !== '' && route.length <= ROUTE_LENGTH && route !== dialog.route) dialog.route = own(route);
}

/** The same with the remote targets and sequence numbers, from the 2xx that confirmed it. */
export function learnEnds(call: Call, dialog: Dialog, m: Message): void {
  learnRoute(dialog, m);
  const target = contactOf(m);
  if (call.ends === undefined || call.ends.contact === '' || target === '') return;
  dialog.caller = { target: call.ends.contact, cseq: call.cseq };
  dialog.callee = { target: own(target), cseq: dialog.callee?.cseq ?? 0 };
}

/** RFC 3261 12.2.1.1: the URIs to which requests of that dialog go. */
export const waysOf = ({ route, caller, callee }: Dialog): readonly string[] => [
  ...(route ? route.split(' ') : []),
  ...(caller ? [caller.target] : []),
  ...(callee ? [callee.target] : []),
];

/** RFC 3261 12.2.1.1, 12.2.2: a request within the dialog moves the sequence number of its sender, and may ask to move its target. */
export function requestMoves(dialog: Dialog, m: Message, side: Side): void {
  const end = dialog[side];
  if (end === undefined || m.method === 'ACK' || m.method === 'CANCEL') return;
  const { number } = cseq(m);
  end.cseq = Math.max(end.cseq, number);
  if (!REFRESHING.has(m.method)) return;
  const target = contactOf(m);
  if (target !== '' && target !== end.target) dialog.moving = { side, cseq: number, target: own(target) };
}

/** RFC 3261 12.2.1.2: "the dialog's remote target URI" is that of the last target refresh that was answered with 2xx, at both ends. */
export function responseMoves(dialog: Dialog, m: Message, asker: Side): void {
  if (m.status < 200 || !REFRESHING.has(m.method)) return;
  const { moving } = dialog;
  if (moving?.side === asker && moving.cseq === cseq(m).number) {
    delete dialog.moving;
    const end = dialog[asker];
    if (end && m.status < 300) end.target = moving.target;
  }
  const other = dialog[otherSide(asker)];
  const target = m.status < 300 ? contactOf(m) : '';
  if (other && target !== '' && target !== other.target) other.target = own(target);
}

/** Target refresh requests within an INVITE dialog (RFC 3261 12.2, RFC 3311 5.1). */
const REFRESHING = new Set(['INVITE', 'UPDATE']);
