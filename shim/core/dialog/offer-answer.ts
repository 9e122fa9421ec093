import { cseq, header, type Message } from '../sip/index.ts';
import { type Call, type Dialog, detailOf, dialogState, type Offer, otherSide, type Side } from './call.ts';
import { agreed, flowOf, mirroredMedia, RECEIVES, SENDS, type Stream, sameMedia, sessionOf, streamsOf } from './sdp.ts';

/** Offers that wait in one dialog. Two sides may each have one under way (glare, RFC 3261 14.1); what is beyond was never answered. */
const OFFERS_OF_A_DIALOG = 4;

/** Dialogs of one call of which more than the state is known. */
const DETAILS_OF_A_CALL = 32;

/** Methods that can carry an offer within a dialog (RFC 3261 14, RFC 3262 5, RFC 3311 5.1). */
const OFFERING = new Set(['INVITE', 'UPDATE', 'PRACK']);

/** What is known of that dialog, begun where nothing is: every callee answers what the INVITE offered. Undefined where there are too many. */
export function openDetail(call: Call, tag: string): Dialog | undefined {
  const known = detailOf(call, tag);
  if (known) return known;
  call.details ??= [];
  if (call.details.length >= DETAILS_OF_A_CALL) return undefined;
  const { offered: streams, cseq: number } = call;
  const offer: Offer | undefined = streams && { by: 'caller', asker: 'caller', cseq: number, answerIn: 'response', streams };
  const detail: Dialog = { tag, offers: offer ? [offer] : [] };
  call.details.push(detail);
  return detail;
}

/** A request within the dialog, from that side. True where media or hold are other than before. */
export function requestDescribes(call: Call, dialog: Dialog, m: Message, by: Side): boolean {
  const { number } = cseq(m);
  if (m.method === 'ACK' || m.method === 'PRACK') {
    // RFC 3261 13.2.1: where the offer was in the 2xx, "the answer MUST be in the acknowledgement for that message". RFC 3262 5: where it was
    // in a reliable provisional response, "the UAC MUST generate an answer in the PRACK."
    const offer = dialog.offers.find(
      (o) => o.asker === by && o.answerIn === m.method && (m.method === 'PRACK' || o.cseq === number),
    );
    if (offer) {
      drop(dialog, offer);
      const streams = streamsOf(m);
      return streams !== undefined && agree(call, dialog, offer, streams);
    }
  }
  if (!OFFERING.has(m.method)) return false;
  const streams = streamsOf(m);
  if (streams) wait(dialog, { by, asker: by, cseq: number, answerIn: 'response', streams });
  return false;
}

/** A response within the dialog, to a request of that side. True where media or hold are other than before. */
export function responseDescribes(call: Call, dialog: Dialog, m: Message, asker: Side): boolean {
  const { number } = cseq(m);
  const offer = dialog.offers.find((o) => o.asker === asker && o.cseq === number && o.answerIn === 'response');
  if (m.status >= 300) {
    // RFC 3261 14.1: "If a UA receives a non-2xx final response to a re-INVITE, the session parameters MUST remain unchanged, as if no re-INVITE
    // had been issued." RFC 3311 5.1 says so of UPDATE; 491 (glare) is such a response.
    for (const old of dialog.offers.filter((o) => o.asker === asker && o.cseq === number)) drop(dialog, old);
    return false;
  }
  const streams = streamsOf(m);
  const final = m.status >= 200;
  // RFC 3261 13.2.1: "If the initial offer is in an INVITE, the answer MUST be in a reliable non-failure message from UAS back to UAC [...] That
  // same exact answer MAY also be placed in any provisional responses sent prior to the answer. The UAC MUST treat the first session
  // description it receives as the answer".
  const reliable = final || (m.method === 'INVITE' && header(m, 'rseq') !== undefined);
  if (offer) {
    if (final || (reliable && streams)) drop(dialog, offer);
    return streams !== undefined && agree(call, dialog, offer, streams);
  }
  // "If the initial INVITE has no offer, the first reliable non-failure message [...] MUST contain an offer."
  if (streams && reliable && m.method === 'INVITE') {
    wait(dialog, { by: otherSide(asker), asker, cseq: number, answerIn: final ? 'ACK' : 'PRACK', streams });
  }
  return false;
}

function wait(dialog: Dialog, offer: Offer): void {
  const others = dialog.offers.filter((o) => o.asker !== offer.asker || o.cseq !== offer.cseq || o.answerIn !== offer.answerIn);
  dialog.offers = [...others, offer].slice(-OFFERS_OF_A_DIALOG);
}

function drop(dialog: Dialog, offer: Offer): void {
  dialog.offers = dialog.offers.filter((o) => o !== offer);
}

/** RFC 3264: offer and answer are complete. */
function agree(call: Call, dialog: Dialog, offer: Offer, answer: readonly Stream[]): boolean {
  const seen = agreed(offer.streams, answer);
  const media = offer.by === 'caller' ? seen : mirroredMedia(seen);
  const flow = flowOf(media);
  if (dialog.first === undefined || dialogState(call, dialog.tag) === undefined || flow === (SENDS | RECEIVES))
    dialog.first = flow;
  // RFC 3264 8.4: hold is asked for by `sendonly` (or `inactive`), and resumed by `sendrecv`. What flowed one way from the beginning (an
  // announcement, a stream that is listened to) is not on hold until it has flowed both ways; where nothing flows either way the call is.
  const held = flow === 0 || (flow !== (SENDS | RECEIVES) && flow !== dialog.first);
  const same = (dialog.held ?? false) === held && sameMedia(media, call.media);
  dialog.held = held;
  if (media.length > 0) {
    call.media = media;
    call.session = call.rule ?? sessionOf(media);
  }
  return !same;
}
